/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"

#include <stdio.h>
#include <string.h>

ssp_conf *conf_open(ssp_role role, const char *format, ...)
{
    char options[1024], why[256] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(options, sizeof options, format, args);
    va_end(args);
    ssp_conf *conf = ssp_conf_new(&tls_wrap, role, options, why, sizeof why);
    assert_string_equal(why, conf != NULL ? why : "");
    assert_non_null(conf);
    return conf;
}

void ends_open(struct ends *e, const ssp_conf *client, const ssp_conf *server)
{
    *e = (struct ends){.verdict = {SSP_MORE, SSP_MORE}};
    e->end[CLIENT] = ssp_drive_new(&tls_wrap, SSP_CLIENT, ssp_conf_values(client), NULL);
    e->end[SERVER] = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(server), NULL);
    assert_non_null(e->end[CLIENT]);
    assert_non_null(e->end[SERVER]);
    assert_int_equal(ssp_drive_feed(e->end[CLIENT], SSP_WRAP, "", 0, 0), SSP_MORE);
}

void ends_close(struct ends *e)
{
    for (int i = 0; i < 2; i++) {
        assert_null(ssp_drive_broken_rule(e->end[i]));
        ssp_drive_free(e->end[i]);
    }
}

size_t ends_carry_one(struct ends *e, int from, size_t n)
{
    size_t waiting;
    const uint8_t *wire = ssp_drive_output(e->end[from], SSP_WRAP, &waiting);
    n = n == 0 || n > waiting ? waiting : n;
    if (n == 0)
        return 0;
    e->verdict[1 - from] = ssp_drive_feed(e->end[1 - from], SSP_UNWRAP, wire, n, 0);
    ssp_drive_take(e->end[from], SSP_WRAP, n);
    e->carried[from] += n;
    (void)ssp_drive_feed(e->end[1 - from], SSP_WRAP, "", 0, 0);
    return n;
}

void ends_carry(struct ends *e, size_t piece)
{
    while (ends_carry_one(e, CLIENT, piece) + ends_carry_one(e, SERVER, piece) > 0)
        continue;
}

void end_says(struct ends *e, int end, const void *bytes, size_t n, int fin)
{
    (void)ssp_drive_feed(e->end[end], SSP_WRAP, bytes, n, fin);
}

void end_has(struct ends *e, int end, const void *bytes, size_t n)
{
    size_t len;
    const uint8_t *plain = ssp_drive_output(e->end[end], SSP_UNWRAP, &len);
    assert_int_equal(len, n);
    assert_memory_equal(plain, bytes, n);
    ssp_drive_take(e->end[end], SSP_UNWRAP, n);
}

static bool both_go_on(const struct ends *e)
{
    return e->end[CLIENT] != NULL && e->end[SERVER] != NULL && e->verdict[CLIENT] != SSP_FAIL &&
           e->verdict[SERVER] != SSP_FAIL;
}

bool ends_exchange(const ssp_conf *client, const ssp_conf *server)
{
    static const char words[] = "words";
    struct ends e = {.verdict = {SSP_MORE, SSP_MORE}};
    size_t len = 0;
    e.end[CLIENT] = ssp_drive_new(&tls_wrap, SSP_CLIENT, ssp_conf_values(client), NULL);
    e.end[SERVER] = ssp_drive_new(&tls_wrap, SSP_SERVER, ssp_conf_values(server), NULL);
    if (both_go_on(&e))
        e.verdict[CLIENT] = ssp_drive_feed(e.end[CLIENT], SSP_WRAP, words, sizeof words, 0);
    for (size_t carried = 1; carried > 0 && both_go_on(&e);) {
        carried = ends_carry_one(&e, CLIENT, 0);
        if (both_go_on(&e))
            carried += ends_carry_one(&e, SERVER, 0);
    }
    bool fine = both_go_on(&e);
    const uint8_t *plain = fine ? ssp_drive_output(e.end[SERVER], SSP_UNWRAP, &len) : NULL;
    fine = fine && len == sizeof words && memcmp(plain, words, len) == 0;
    ssp_drive_free(e.end[CLIENT]);
    ssp_drive_free(e.end[SERVER]);
    return fine;
}
