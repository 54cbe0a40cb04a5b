/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keys.h"

#include "conf/strength.h"
#include "proto/users.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MIN_S = 30, DEADLINE_SPAN_S = 60 };

static void tell_clock(int64_t seconds)
{
    ssp_error(
        "the clock of the server is %lld s %s ours: set the clock that is wrong (at most 30 s "
        "are allowed)",
        (long long)(seconds < 0 ? -seconds : seconds), seconds < 0 ? "behind" : "ahead of");
}

/* TCP and UDP have a replay filter each: a flood of packets must not push out the salts of TCP. */
int ss_keys_read(struct ss_keys *k, struct ss_conf *c, const struct ss_keys_purpose *purpose,
                 char why[SS_WHY_MAX])
{
    const struct ss_secret secret = {.password = c->password,
                                     .key = c->key,
                                     .vault = purpose->vault,
                                     .role = ss_programs[purpose->program].role,
                                     .users = c->users,
                                     .prefix = {c->prefix, c->prefix_len},
                                     .tell_clock = tell_clock,
                                     .keeper = purpose->keeper};
    (void)snprintf(why, SS_WHY_MAX, "unknown");
    *k = (struct ss_keys){.method = ss_method_find(c->method), .users = ss_users_hold(c->users)};
    if (k->method != NULL)
        k->codec_conf = ss_method_conf_new(k->method, &secret, why);
    if (k->codec_conf != NULL && purpose->packets)
        k->packets_conf = ss_method_conf_new(k->method, &secret, why);
    ss_conf_forget_key(c);
    return k->codec_conf != NULL && (k->packets_conf != NULL || !purpose->packets) ? 0 : -1;
}

/* An attacker who has recorded one connection tries passwords as fast as machines hash.  Keys are
 * drawn at random. */
static void warn_if_weak(const struct ss_conf *c)
{
    const struct ss_method *method = ss_method_find(c->method);
    bool made_up = c->key == NULL && c->password != NULL && method != NULL && !method->keys_only;
    unsigned bits = made_up ? ss_strength_bits(c->password) : SS_STRENGTH_ENOUGH;
    if (bits < SS_STRENGTH_ENOUGH)
        ssp_info("weak password: %u bits at best, and one recorded connection is enough to guess "
                 "it; take a random one of %d bits or more: openssl rand -base64 16",
                 bits, SS_STRENGTH_ENOUGH);
}

int ss_keys_open(struct ss_keys *k, struct ss_conf *c, const struct ss_keys_purpose *purpose)
{
    char why[SS_WHY_MAX];
    warn_if_weak(c);
    if (ss_keys_read(k, c, purpose, why) == -1) {
        ssp_error("method %s: cannot read its key: %s", c->method, why);
        return -1;
    }
    ssp_info("initializing ciphers... %s", k->method->name);
    return 0;
}

/* An unauthenticated connection ends after a time derived from the key: every probe of one server
 * sees the same time, and another server has another one. */
unsigned ss_keys_handshake_ms(const struct ss_keys *k, const struct ss_conf *c)
{
    static const uint8_t info[] = "shadowplug handshake deadline";
    uint8_t byte[2] = {0, 0};
    if (c->handshake_timeout_s > 0)
        return c->handshake_timeout_s * 1000;
    (void)ss_hkdf_sha1(k->method->main_key(k->codec_conf), (struct ss_span){NULL, 0},
                       (struct ss_span){info, sizeof info - 1}, byte, sizeof byte);
    unsigned span_ms = DEADLINE_SPAN_S * 1000;
    return DEADLINE_MIN_S * 1000 + (unsigned)(byte[0] << 8 | byte[1]) % span_ms;
}

uint64_t ss_keys_repeats(const struct ss_keys *k)
{
    return k->method->repeats(k->codec_conf) +
           (k->packets_conf != NULL ? k->method->repeats(k->packets_conf) : 0);
}

void ss_keys_close(struct ss_keys *k)
{
    ss_method_conf_free(k->method, k->codec_conf);
    ss_method_conf_free(k->method, k->packets_conf);
    ss_users_free(k->users);
    *k = (struct ss_keys){.method = NULL};
}

/* ---- shared ---- */

bool ss_shared_keys_fit(const struct ss_shared_keys *s, bool packets,
                        const uint8_t print[SS_KEY_PRINT])
{
    return (s->keys.packets_conf != NULL) == packets && memcmp(s->print, print, SS_KEY_PRINT) == 0;
}

struct ss_shared_keys *ss_shared_keys_take(struct ss_shared_keys *offered, struct ss_conf *c,
                                           const struct ss_keys_purpose *purpose,
                                           const uint8_t print[SS_KEY_PRINT])
{
    if (offered != NULL && ss_shared_keys_fit(offered, purpose->packets, print)) {
        offered->holders++;
        ss_conf_forget_key(c);
        return offered;
    }
    struct ss_shared_keys *s = calloc(1, sizeof *s);
    if (s == NULL) {
        ssp_error("keys: out of memory");
        return NULL;
    }
    s->holders = 1;
    memcpy(s->print, print, SS_KEY_PRINT);
    if (ss_keys_open(&s->keys, c, purpose) == 0)
        return s;
    ss_shared_keys_leave(s);
    return NULL;
}

void ss_shared_keys_leave(struct ss_shared_keys *s)
{
    if (s == NULL || --s->holders > 0)
        return;
    ss_keys_close(&s->keys);
    free(s);
}
