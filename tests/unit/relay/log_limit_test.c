/* SPDX-License-Identifier: Apache-2.0 */
/* How many lines a flood of failures writes, and that none is forgotten. */
#include "relay/log_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <ssplugin/log.h>

#include <cmocka.h>

enum { MANY = 14000, BURST = 50, WAIT_MS = 10000 };

static char told[128];

static void hear(void *arg, ssp_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)snprintf(told, sizeof told, "%s", line);
}

static void await_number(ssp_loop *loop)
{
    uint64_t begin = ssp__loop_now_ms(loop);
    told[0] = '\0';
    ssp_log_redirect(hear, NULL);
    while (told[0] == '\0' && ssp__loop_now_ms(loop) - begin < WAIT_MS)
        assert_int_equal(ssp_loop_turn(loop, 50), 0);
    ssp_log_redirect(NULL, NULL);
}

static void a_flood_is_a_burst_and_a_number(void **state)
{
    ssp_loop *loop = ssp_loop_new();
    struct ssp__log_limit *l = ssp__log_limit_new(loop, ssp_world_real(), "dials that failed");
    unsigned long written = 0, number = 0;
    (void)state;
    uint64_t begin = ssp__loop_now_ms(loop);
    for (int i = 0; i < MANY; i++)
        written += ssp__log_limit_take(l);
    uint64_t earned = (ssp__loop_now_ms(loop) - begin) / 100 + 1;
    assert_in_range(written, BURST, BURST + earned);
    await_number(loop);
    assert_int_equal(sscanf(told, "%lu more dials that failed", &number), 1);
    assert_int_equal(number + written, MANY);
    assert_true(ssp__log_limit_take(l)); /* a second has gone by */
    ssp__log_limit_free(l);
    ssp_loop_free(loop);
}

static void each_source_is_named_once(void **state)
{
    static const char *const hosts[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.1",
                                        "2001:db8::2"};
    static const bool written[] = {true, true, true, false, false};
    ssp_loop *loop = ssp_loop_new();
    struct ssp__log_limit *l = ssp__log_limit_new(loop, ssp_world_real(), "handshakes that failed");
    struct ssp__address a;
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        assert_int_equal(ssp__address_parse(&a, hosts[i], (uint16_t)(1000 + i)), 0);
        assert_int_equal(ssp__log_limit_take_of(l, &a), written[i]);
    }
    for (int i = 0; i < 10; i++)
        assert_false(ssp__log_limit_take_of(l, &a));
    await_number(loop);
    assert_string_equal(told, "12 more handshakes that failed");
    ssp__log_limit_free(l);
    ssp_loop_free(loop);
}

static void many_sources_share_the_limit(void **state)
{
    ssp_loop *loop = ssp_loop_new();
    struct ssp__log_limit *l = ssp__log_limit_new(loop, ssp_world_real(), "handshakes that failed");
    struct ssp__address a;
    unsigned written = 0;
    char host[32];
    (void)state;
    uint64_t begin = ssp__loop_now_ms(loop);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(host, sizeof host, "198.51.%d.%d", i / 250, i % 250);
        assert_int_equal(ssp__address_parse(&a, host, 1), 0);
        written += ssp__log_limit_take_of(l, &a);
    }
    assert_in_range(written, BURST, BURST + (ssp__loop_now_ms(loop) - begin) / 100 + 1);
    ssp__log_limit_free(l); /* while its timer runs */
    ssp_loop_free(loop);
}

static void fill_with_next(void *arg, void *buf, size_t len)
{
    unsigned char *next = arg;
    memset(buf, ++next[0] == 0 ? ++next[1] : next[0], len);
    memcpy(buf, next, 2);
}

/* With 500 keys, some put two of the sources into one place of the table. */
static void no_key_lets_two_sources_take_turns(void **state)
{
    unsigned char next[2] = {0};
    ssp_world world = {.random = fill_with_next, .arg = next};
    ssp_loop *loop = ssp_loop_new();
    (void)state;
    for (int key = 0; key < 500; key++) {
        struct ssp__log_limit *l = ssp__log_limit_new(loop, &world, "handshakes that failed");
        unsigned written = 0;
        for (int i = 0; i < 30; i++) {
            struct ssp__address a;
            const char *host[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
            assert_int_equal(ssp__address_parse(&a, host[i % 3], 1), 0);
            written += ssp__log_limit_take_of(l, &a);
        }
        assert_int_equal(written, 3);
        ssp__log_limit_free(l);
    }
    ssp_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_a_burst_and_a_number),
        cmocka_unit_test(each_source_is_named_once),
        cmocka_unit_test(many_sources_share_the_limit),
        cmocka_unit_test(no_key_lets_two_sources_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
