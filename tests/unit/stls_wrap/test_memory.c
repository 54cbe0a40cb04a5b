/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation of OpenSSL or of the codec fails, at either end or at the site: at a start it is
 * told, and later it costs one connection.  Linked with --wrap, as OpenSSL asks the codec's program
 * for its memory. */
#include "libcrypto/start.h"
#include "scarce.h"
#include "trio.h"

#include <stdio.h>
#include <string.h>

enum { CONNECTIONS = 2, STEP = 23 };

static const char words[] = "in spite of all";

struct ends {
    ssp_drive *client, *server, *site;
    bool failed;
};

/* Everything that waits at an end becomes input of another.  Returns whether there was something.
 */
static bool carry(struct ends *e, ssp_drive *from, ssp_dir out, ssp_drive *to, ssp_dir in)
{
    size_t n;
    const uint8_t *bytes = ssp_drive_output(from, out, &n);
    if (n == 0)
        return false;
    e->failed = ssp_drive_feed(to, in, bytes, n, false) == SSP_FAIL || e->failed;
    ssp_drive_take(from, out, n);
    (void)ssp_drive_feed(to, in == SSP_WRAP ? SSP_UNWRAP : SSP_WRAP, "", 0, false);
    return true;
}

static bool carry_all(struct ends *e)
{
    bool moved = carry(e, e->client, SSP_WRAP, e->server, SSP_UNWRAP);
    if (ssp_drive_diverted(e->server)) {
        moved = carry(e, e->server, SSP_UNWRAP, e->site, SSP_UNWRAP) || moved;
        moved = carry(e, e->site, SSP_WRAP, e->server, SSP_WRAP) || moved;
    }
    return carry(e, e->server, SSP_WRAP, e->client, SSP_UNWRAP) || moved;
}

static bool has_words(ssp_drive *d)
{
    size_t n;
    const uint8_t *plain = ssp_drive_output(d, SSP_UNWRAP, &n);
    return n == sizeof words && memcmp(plain, words, n) == 0;
}

/* Returns whether words of each end come to the other one. */
static bool meet(struct ends *e)
{
    e->failed = ssp_drive_feed(e->client, SSP_WRAP, words, sizeof words, false) == SSP_FAIL;
    while (!e->failed && carry_all(e))
        continue;
    if (e->failed || ssp_drive_diverted(e->server) || !has_words(e->server) ||
        ssp_drive_feed(e->server, SSP_WRAP, words, sizeof words, false) == SSP_FAIL)
        return false;
    while (!e->failed && carry_all(e))
        continue;
    return !e->failed && has_words(e->client);
}

static bool one_meets(const struct trio_confs *c)
{
    struct ends e = {.client = ssp_drive_new(&stls_wrap, SSP_CLIENT, ssp_conf_values(c->client),
                                             ssp_world_real()),
                     .server = ssp_drive_new(&stls_wrap, SSP_SERVER, ssp_conf_values(c->server),
                                             ssp_world_real()),
                     .site = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(c->site), NULL)};
    bool met = e.client != NULL && e.server != NULL && e.site != NULL && meet(&e);
    ssp_drive_free(e.client);
    ssp_drive_free(e.server);
    ssp_drive_free(e.site);
    return met;
}

/* libcrypto forgets the names of algorithms that it cannot keep; a program that does not start
 * ends.
 */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static ssp_conf *make_client(const char *options, char *why, size_t cap)
{
    if (__lsan_disable != NULL)
        __lsan_disable();
    ssp_conf *conf = ssp_conf_new(&stls_wrap, SSP_CLIENT, options, why, cap);
    if (__lsan_enable != NULL)
        __lsan_enable();
    return conf;
}

/* Returns whether there were so many allocations that one has failed. */
static bool one_fails(struct trio_confs *c, const char *of_client, unsigned long n)
{
    char why[256] = "";
    scarce_from(n, false);
    c->client = make_client(of_client, why, sizeof why);
    c->server = c->client != NULL ? ssp_conf_new(&stls_wrap, SSP_SERVER,
                                                 "tls=192.0.2.1;passwd=secret", why, sizeof why)
                                  : NULL;
    unsigned lost = 0;
    for (int i = 0; c->server != NULL && i < CONNECTIONS; i++)
        lost += !one_meets(c);
    bool failed = scarce_count() >= n && n > 0;
    scarce_from(0, false);
    if (c->server == NULL && (!failed || why[0] == '\0'))
        fail_msg("allocation %lu: no start: \"%s\"", n, why);
    if (lost > (failed ? 1 : 0))
        fail_msg("allocation %lu: %u of %d connections failed", n, lost, CONNECTIONS);
    ssp_conf_free(c->client);
    ssp_conf_free(c->server);
    return failed;
}

static void an_allocation_that_fails_costs_one_connection(void **state)
{
    char options[2 * CERT_PATH_MAX];
    struct trio_confs confs;
    (void)state;
    trio_confs_open(&confs);
    ssp_conf_free(confs.client);
    ssp_conf_free(confs.server);
    (void)snprintf(options, sizeof options, "host=ex.test;passwd=secret;ca=%s/site.cert",
                   confs.directory);
    (void)one_fails(&confs, options, 0); /* what a process makes once */
    unsigned long n = 1;
    while (one_fails(&confs, options, n))
        n += STEP;
    assert_true(n > 100);
    confs.client = confs.server = NULL;
    trio_confs_close(&confs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_that_fails_costs_one_connection),
    };
    ssp__libcrypto_start(SSP_EXIT_OS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
