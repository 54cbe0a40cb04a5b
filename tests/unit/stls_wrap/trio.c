/* SPDX-License-Identifier: Apache-2.0 */
#include "trio.h"

#include <stdio.h>
#include <string.h>

static ssp_conf *conf_of(const ssp_codec *codec, ssp_role role, const char *options)
{
    char why[256] = "";
    ssp_conf *conf = ssp_conf_new(codec, role, options, why, sizeof why);
    assert_string_equal(why, conf != NULL ? why : "");
    assert_non_null(conf);
    return conf;
}

void trio_confs_open(struct trio_confs *c)
{
    struct cert made;
    char options[512];
    const struct cert_request request = {.name = "ex.test", .begins = -60, .ends = 3600};
    certs_open(c->directory);
    cert_make(&made, c->directory, "site", &request);
    (void)snprintf(options, sizeof options, "cert=%s;key=%s", made.cert, made.key);
    c->site = conf_of(&tls_wrap, SSP_SERVER, options);
    (void)snprintf(options, sizeof options, "v3;host=ex.test;passwd=secret;ca=%s", made.cert);
    c->client = conf_of(&stls_wrap, SSP_CLIENT, options);
    (void)snprintf(options, sizeof options, "v3;host=ex.test;passwd=other;ca=%s", made.cert);
    c->stranger = conf_of(&stls_wrap, SSP_CLIENT, options);
    c->server = conf_of(&stls_wrap, SSP_SERVER, "v3;tls=192.0.2.1;passwd=secret");
}

void trio_confs_close(struct trio_confs *c)
{
    ssp_conf_free(c->client);
    ssp_conf_free(c->stranger);
    ssp_conf_free(c->server);
    ssp_conf_free(c->site);
    certs_close(c->directory);
}

void trio_open(struct trio *t, const struct trio_confs *confs, const ssp_conf *client)
{
    *t = (struct trio){.client_verdict = SSP_MORE, .server_verdict = SSP_MORE};
    t->client = ssp_drive_new(&stls_wrap, SSP_CLIENT, ssp_conf_values(client), ssp_world_real());
    t->server =
        ssp_drive_new(&stls_wrap, SSP_SERVER, ssp_conf_values(confs->server), ssp_world_real());
    t->site = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(confs->site), NULL);
    assert_int_equal(ssp_drive_feed(t->client, SSP_WRAP, "", 0, false), SSP_MORE);
    const uint8_t *hello = ssp_drive_output(t->client, SSP_WRAP, &t->hello_len);
    assert_in_range(t->hello_len, 1, sizeof t->hello);
    memcpy(t->hello, hello, t->hello_len);
}

void trio_close(struct trio *t)
{
    ssp_drive *const all[] = {t->client, t->server, t->site};
    for (size_t i = 0; i < 3; i++) {
        assert_null(ssp_drive_broken_rule(all[i]));
        ssp_drive_free(all[i]);
    }
}

/* One piece of output of from becomes input of to.  Returns its length. */
static size_t carry(ssp_drive *from, ssp_dir out, ssp_drive *to, ssp_dir in, size_t piece,
                    ssp_verdict *verdict)
{
    size_t n;
    const uint8_t *bytes = ssp_drive_output(from, out, &n);
    n = piece == 0 || n < piece ? n : piece;
    if (n == 0)
        return 0;
    *verdict = ssp_drive_feed(to, in, bytes, n, false);
    ssp_drive_take(from, out, n);
    return n;
}

/* The other direction may have waited for what came. */
static void wake(ssp_drive *d, ssp_dir dir)
{
    (void)ssp_drive_feed(d, dir, "", 0, false);
}

void trio_carry(struct trio *t, size_t piece)
{
    ssp_verdict ignored;
    size_t moved;
    do {
        moved = carry(t->client, SSP_WRAP, t->server, SSP_UNWRAP, piece, &t->server_verdict);
        if (ssp_drive_diverted(t->server)) {
            moved += carry(t->server, SSP_UNWRAP, t->site, SSP_UNWRAP, piece, &ignored);
            wake(t->site, SSP_WRAP);
            moved += carry(t->site, SSP_WRAP, t->server, SSP_WRAP, piece, &ignored);
            wake(t->server, SSP_UNWRAP);
        }
        moved += carry(t->server, SSP_WRAP, t->client, SSP_UNWRAP, piece, &t->client_verdict);
        wake(t->client, SSP_WRAP);
    } while (moved > 0);
}

void trio_client_says(struct trio *t, const void *bytes, size_t n, bool fin)
{
    (void)ssp_drive_feed(t->client, SSP_WRAP, bytes, n, fin);
    trio_carry(t, 0);
}

void trio_server_says(struct trio *t, const void *bytes, size_t n, bool fin)
{
    (void)ssp_drive_feed(t->server, SSP_WRAP, bytes, n, fin);
    trio_carry(t, 0);
}

static void has(ssp_drive *d, const void *bytes, size_t n)
{
    size_t len;
    const uint8_t *plain = ssp_drive_output(d, SSP_UNWRAP, &len);
    assert_int_equal(len, n);
    assert_memory_equal(plain, bytes, n);
    ssp_drive_take(d, SSP_UNWRAP, n);
}

void trio_server_has(struct trio *t, const void *bytes, size_t n)
{
    assert_false(ssp_drive_diverted(t->server));
    has(t->server, bytes, n);
}

void trio_client_has(struct trio *t, const void *bytes, size_t n)
{
    has(t->client, bytes, n);
}
