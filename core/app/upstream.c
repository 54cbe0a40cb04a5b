/* SPDX-License-Identifier: Apache-2.0 */
#include "app/upstream.h"

#include <ssplugin/log.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The hop to a plugin is on loopback, where the options for outgoing sockets do not apply. */
static const struct ssp__socket_options no_options;

/* ---- identifiers ---- */

static void add(crypto_generichash_state *hash, const void *bytes, size_t n)
{
    (void)crypto_generichash_update(hash, (const unsigned char *)&n, sizeof n);
    if (n > 0)
        (void)crypto_generichash_update(hash, bytes, n);
}

static void add_text(crypto_generichash_state *hash, const char *text)
{
    add(hash, text, text != NULL ? strlen(text) + 1 : 0);
}

/* Identifies a key without showing it: the secret is random. */
static void identify_key(const struct ss_conf *c, const uint8_t secret[SS_UPSTREAM_ID],
                         uint8_t id[SS_UPSTREAM_ID])
{
    crypto_generichash_state hash;
    bool packets = ss_udp_wanted(c);
    (void)crypto_generichash_init(&hash, secret, SS_UPSTREAM_ID, SS_UPSTREAM_ID);
    add_text(&hash, c->method);
    add_text(&hash, c->key != NULL ? NULL : c->password);
    add_text(&hash, c->key);
    add(&hash, c->prefix, c->prefix_len);
    add(&hash, &packets, sizeof packets);
    (void)crypto_generichash_final(&hash, id, SS_UPSTREAM_ID);
    sodium_memzero(&hash, sizeof hash);
}

/* ---- its life ---- */

/* Takes the keys of another server with the same method and password, or new ones. */
static int take_keys(struct ss_upstream *u, enum ss_program program,
                     const struct ss_upstream *others, const uint8_t secret[SS_UPSTREAM_ID])
{
    uint8_t id[SS_UPSTREAM_ID];
    identify_key(&u->conf, secret, id);
    while (others != NULL && memcmp(others->keys->id, id, sizeof id) != 0)
        others = others->next;
    u->keys = others != NULL ? others->keys : calloc(1, sizeof *u->keys);
    if (u->keys == NULL) {
        ssp_error("server: out of memory");
        return -1;
    }
    memcpy(u->keys->id, id, sizeof id);
    if (u->keys->users++ == 0)
        return ss_keys_open(&u->keys->keys, &u->conf, program, u->udp);
    ss_conf_forget_key(&u->conf);
    return 0;
}

static int fill_way(struct ss_upstream *u)
{
    const struct ss_keys *keys = &u->keys->keys;
    const struct ssp__packets *packets = keys->method->packets;
    u->way.codec = keys->method->codec;
    u->way.conf = keys->codec_conf;
    u->way.packets = packets;
    u->way.packets_conf = keys->packets_conf;
    u->way.packets_scratch = calloc(1, packets->scratch_size + 1);
    u->way.hosted = ss_plugin_has_tcp(&u->conf);
    u->way.options = &no_options;
    return u->way.packets_scratch != NULL ? 0 : -1;
}

struct ss_upstream *ss_upstream_new(const struct ss_conf *conf, unsigned at,
                                    enum ss_program program, const struct ss_upstream *others,
                                    const uint8_t secret[SS_UPSTREAM_ID])
{
    struct ss_upstream *u = calloc(1, sizeof *u);
    if (u == NULL || ss_conf_copy(&u->conf, conf) == -1) {
        ssp_error("server: out of memory");
        ss_upstream_free(u);
        return NULL;
    }
    u->conf.server[0] = conf->server[at];
    u->conf.servers = 1;
    u->tcp = conf->mode != SSP_UDP_ONLY;
    u->udp = ss_udp_wanted(conf);
    if (take_keys(u, program, others, secret) == 0 && fill_way(u) == 0)
        return u;
    ss_upstream_free(u);
    return NULL;
}

int ss_upstream_start(struct ss_upstream *u, ssp_loop *loop)
{
    struct ssp__endpoint hop;
    if (!ss_plugin_has_tcp(&u->conf) && !ss_plugin_has_udp(&u->conf))
        return 0;
    ss_plugin_choose_hop(&u->conf, &hop);
    return ss_plugin_start(&u->plugin, loop,
                           &(struct ss_plugin_order){.conf = &u->conf,
                                                     .role = SSP_CLIENT,
                                                     .server = u->conf.server,
                                                     .servers = 1,
                                                     .hop = &hop});
}

void ss_upstream_free(struct ss_upstream *u)
{
    if (u == NULL)
        return;
    ss_plugin_stop(&u->plugin);
    if (u->way.packets_scratch != NULL && u->way.packets->release != NULL)
        u->way.packets->release(u->way.packets_scratch);
    free(u->way.packets_scratch);
    if (u->keys != NULL && --u->keys->users == 0) {
        ss_keys_close(&u->keys->keys);
        free(u->keys);
    }
    ss_conf_release(&u->conf);
    free(u);
}

/* ---- its state ---- */

bool ss_upstream_up(const struct ss_upstream *u)
{
    bool needs = ss_plugin_has_tcp(&u->conf) || ss_plugin_has_udp(&u->conf);
    return !u->dead && (!needs || u->plugin.ready);
}

bool ss_upstream_usable(const struct ss_upstream *u, bool packets)
{
    bool through = packets ? ss_plugin_has_udp(&u->conf) : ss_plugin_has_tcp(&u->conf);
    bool serves = packets ? u->udp : u->tcp;
    return serves && !u->dead && (!through || u->plugin.ready);
}

const struct ssp__endpoint *ss_upstream_endpoint(const struct ss_upstream *u, bool packets)
{
    bool through = packets ? ss_plugin_has_udp(&u->conf) : ss_plugin_has_tcp(&u->conf);
    return through ? &u->plugin.hop : &u->conf.server[0];
}
