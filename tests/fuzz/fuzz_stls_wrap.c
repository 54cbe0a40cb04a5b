/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of peers and of sites to both ends.
 *
 * The first byte: bit 0 says which end gets them, bit 1 whether the first record is signed as a
 * ClientHello of ours, bit 2 whether the server is strict.  Then come pieces: a byte with the side
 * (bit 7: the site's, at a server) and the length, and so many bytes.  Nobody who does not know the
 * password is recalled from the site, or gets a plain byte; a server that has not seen a
 * ServerHello changes nothing.
 */
#include "arena.h"
#include "must.h"

#include "stls-wrap/stls_wrap.h"

#include <ssplugin/drive.h>

enum { CLIENT_END = 1, SIGNED = 2, STRICT = 4, SITE = 0x80, PIECE_MAX = 0x7f };

enum { WARM = 1000, KEPT = 2000 }; /* runs, and blocks */

static const ssp_conf *conf_of(unsigned how)
{
    static ssp_conf *made[3]; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */
    static const char *const options[] = {
        "passwd=secret;tls=192.0.2.1", "passwd=secret;tls=192.0.2.1;strict-mode",
        "passwd=secret;host=ex.test;ca=" CERTIFICATES "/cert.pem"};
    unsigned i = how & CLIENT_END ? 2 : how & STRICT ? 1 : 0;
    char why[256];
    if (made[i] == NULL)
        made[i] =
            ssp_conf_new(&stls_wrap, i == 2 ? SSP_CLIENT : SSP_SERVER, options[i], why, sizeof why);
    must(made[i] != NULL);
    return made[i];
}

static void feed_client(const uint8_t *data, size_t size)
{
    size_t plain;
    ssp_drive *d = ssp_drive_new(&stls_wrap, SSP_CLIENT, ssp_conf_values(conf_of(CLIENT_END)),
                                 ssp_world_real());
    must(d != NULL);
    ssp_drive_window(d, 0);
    must(ssp_drive_feed(d, SSP_WRAP, "plain", 5, 0) == SSP_MORE);
    while (size > 0) {
        size_t n = (size_t)data[0] & PIECE_MAX;
        n = n < size ? n : size - 1;
        (void)ssp_drive_feed(d, SSP_UNWRAP, data + 1, n, 0);
        data += n + 1;
        size -= n + 1;
    }
    must(ssp_drive_feed(d, SSP_UNWRAP, "", 0, 1) == SSP_FAIL);
    (void)ssp_drive_output(d, SSP_UNWRAP, &plain);
    must(plain == 0);
    must(ssp_drive_broken_rule(d) == NULL);
    ssp_drive_free(d);
}

/* The bytes of a side so far, and what the server has made of them. */
struct side {
    uint8_t *bytes;
    size_t n;
};

static void add(struct side *s, const uint8_t *bytes, size_t n)
{
    if (n > 0)
        memcpy(s->bytes + s->n, bytes, n);
    s->n += n;
}

/* The peer's bytes reach the site as they are, and in their order; some may wait. */
static void expect_passed(const ssp_drive *d, const struct side *peer)
{
    size_t n;
    const uint8_t *out = ssp_drive_output(d, SSP_UNWRAP, &n);
    must(ssp_drive_diverted(d));
    must(n <= peer->n && (n == 0 || memcmp(out, peer->bytes, n) == 0));
    must(ssp_drive_broken_rule(d) == NULL);
}

static void sign(uint8_t *bytes, size_t n)
{
    const struct stls_conf *conf = ssp_conf_values(conf_of(0));
    size_t record = n >= 5 ? 5 + ((size_t)bytes[3] << 8 | bytes[4]) : n + 1;
    if (record <= n)
        (void)stls_hello_sign(bytes, record, conf->key);
}

/* All of one side is known first, so that its first record can be signed. */
static void collect(struct side *peer, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t n = (size_t)data[0] & PIECE_MAX;
        n = n < size ? n : size - 1;
        if (!(data[0] & SITE))
            add(peer, data + 1, n);
        data += n + 1;
        size -= n + 1;
    }
}

static void feed_pieces(ssp_drive *d, const struct side *peer, const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (size > 0) {
        size_t n = (size_t)data[0] & PIECE_MAX;
        n = n < size ? n : size - 1;
        if (data[0] & SITE) {
            (void)ssp_drive_feed(d, SSP_WRAP, data + 1, n, 0);
            (void)ssp_drive_feed(d, SSP_UNWRAP, "", 0, 0); /* it may have waited */
        } else {
            (void)ssp_drive_feed(d, SSP_UNWRAP, peer->bytes + at, n, 0);
            at += n;
        }
        expect_passed(d, peer);
        data += n + 1;
        size -= n + 1;
    }
}

static void feed_server(unsigned how, const uint8_t *data, size_t size)
{
    size_t n;
    struct side peer = {.bytes = malloc(size + 1)};
    ssp_drive *d =
        ssp_drive_new(&stls_wrap, SSP_SERVER, ssp_conf_values(conf_of(how & STRICT)), NULL);
    must(d != NULL && peer.bytes != NULL);
    ssp_drive_window(d, 0);
    collect(&peer, data, size);
    if (how & SIGNED)
        sign(peer.bytes, peer.n);
    feed_pieces(d, &peer, data, size);
    (void)ssp_drive_feed(d, SSP_WRAP, "", 0, 1);
    (void)ssp_drive_feed(d, SSP_UNWRAP, "", 0, 1);
    expect_passed(d, &peer);
    (void)ssp_drive_output(d, SSP_UNWRAP, &n);
    must(n == peer.n); /* none is kept in the end */
    ssp_drive_free(d);
    free(peer.bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    arena_serve_openssl();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static size_t most;
    static unsigned runs;
    if (size < 1)
        return 0;
    if (data[0] & CLIENT_END)
        feed_client(data + 1, size - 1);
    else
        feed_server(data[0], data + 1, size - 1);
    if (++runs <= WARM)
        most = arena_blocks();
    must(arena_blocks() <= most + KEPT);
    return 0;
}
