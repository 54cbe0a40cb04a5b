/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of unknown peers to both ends, before the handshake and behind it, in any pieces.
 *
 * The first byte: bit 0 says who gets them, bit 1 whether the handshake is over, bit 2 the mode,
 * bit 3 whether the codec inside gets them instead.
 * Two bytes say where they are cut.  The cut changes nothing; what is not said is no end.
 */
#include "must.h"

#include "ws-wrap/mux.h"
#include "ws-wrap/ws_wrap.h"

#include <ssplugin/testing.h>

#include <string.h>

enum { PREFACE = 3, SERVER = 1, OPEN = 2, BARE = 4, MUX = 8, KINDS = 4 };

#define REQUEST                                                                                    \
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define ANSWER                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"

static ssp_role role_of(unsigned how)
{
    return how & SERVER ? SSP_SERVER : SSP_CLIENT;
}

/* For the life of the process. */
static const void *conf_of(unsigned how)
{
    static ssp_conf *made[KINDS]; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */
    unsigned kind = (how & SERVER) | (how & BARE ? 2 : 0);
    char why[256];
    if (made[kind] == NULL)
        made[kind] = ssp_conf_new(&ws_wrap, role_of(how), how & BARE ? "mode=httpupgrade" : NULL,
                                  why, sizeof why);
    must(made[kind] != NULL);
    return ssp_conf_values(made[kind]);
}

static ssp_drive *start(unsigned how)
{
    const char *head = how & SERVER ? REQUEST : ANSWER;
    ssp_drive *d = ssp_drive_new(&ws_wrap, role_of(how), conf_of(how), NULL);
    must(d != NULL);
    (void)ssp_drive_feed(d, SSP_WRAP, "plain", 5, 0);
    if (how & OPEN)
        must(ssp_drive_feed(d, SSP_UNWRAP, head, strlen(head), 0) >= 0);
    return d;
}

static ssp_verdict hear(ssp_drive *d, const uint8_t *bytes, size_t n, size_t cut)
{
    (void)ssp_drive_feed(d, SSP_UNWRAP, bytes, cut, 0);
    return ssp_drive_feed(d, SSP_UNWRAP, bytes + cut, n - cut, 1);
}

static void must_say_the_same(const ssp_drive *a, const ssp_drive *b, ssp_dir dir)
{
    size_t n, m;
    const uint8_t *said = ssp_drive_output(a, dir, &n), *too = ssp_drive_output(b, dir, &m);
    must(n == m && (n == 0 || memcmp(said, too, n) == 0));
}

/* A mistake is found where it stands, so that what is said before it may have come out or not. */
static void must_agree(ssp_drive *whole, ssp_drive *parts, const uint8_t *bytes, size_t n,
                       size_t cut)
{
    ssp_verdict verdict = hear(whole, bytes, n, n);
    must(hear(parts, bytes, n, cut) == verdict);
    if (verdict != SSP_FAIL)
        must_say_the_same(whole, parts, SSP_UNWRAP);
    must_say_the_same(whole, parts, SSP_WRAP);
    must(ssp_drive_broken_rule(whole) == NULL && ssp_drive_broken_rule(parts) == NULL);
}

/* The codec inside, which has no options and no server. */
static ssp_drive *start_mux(void)
{
    ssp_drive *d = ssp_drive_new(&ws_mux, SSP_CLIENT, NULL, NULL);
    must(d != NULL);
    (void)ssp_drive_feed(d, SSP_WRAP, "plain", 5, 0);
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PREFACE)
        return 0;
    size_t n = size - PREFACE, cut = ((size_t)data[1] << 8 | data[2]) % (n + 1);
    bool inside = (data[0] & MUX) != 0;
    ssp_drive *whole = inside ? start_mux() : start(data[0]);
    ssp_drive *parts = inside ? start_mux() : start(data[0]);
    must_agree(whole, parts, data + PREFACE, n, cut);
    ssp_drive_free(whole);
    ssp_drive_free(parts);
    ssp_fuzz_codec(&ws_wrap, "path=/;ping=30", data + PREFACE, n);
    return 0;
}
