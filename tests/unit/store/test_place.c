/* SPDX-License-Identifier: Apache-2.0 */
#include "store/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *url, *server, *path, *user, *password, *prefix;
    unsigned db;
} good[] = {
    {"redis://127.0.0.1", "127.0.0.1:6379", NULL, NULL, NULL, "{shadowplug}", 0},
    {"redis://store.example.com:6380/2", "store.example.com:6380", NULL, NULL, NULL, "{shadowplug}",
     2},
    {"redis://:p%40ss@[2001:db8::1]:1/", "[2001:db8::1]:1", NULL, NULL, "p@ss", "{shadowplug}", 0},
    {"redis://node:a:b@h", "h:6379", NULL, "node", "a:b", "{shadowplug}", 0},
    {"redis://h?prefix=x&db=16383", "h:6379", NULL, NULL, NULL, "x", 16383},
    {"unix:/run/redis.sock", NULL, "/run/redis.sock", NULL, NULL, "{shadowplug}", 0},
    {"unix:/run/a%20b?password=p%26q&user=u&db=1", NULL, "/run/a b", "u", "p&q", "{shadowplug}", 1},
};

static void same(const char *a, const char *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (b != NULL)
        assert_string_equal(a, b);
}

static void places_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct ss_store_place p;
        char server[SSP_HOST_MAX + 8];
        const char *why = NULL;
        assert_int_equal(ss_store_place_read(&p, good[i].url, &why), 0);
        if (good[i].server != NULL) {
            ssp__endpoint_format(&p.server, server, sizeof server);
            assert_string_equal(server, good[i].server);
        }
        same(p.path, good[i].path);
        same(p.user, good[i].user);
        same(p.password, good[i].password);
        assert_string_equal(p.prefix, good[i].prefix);
        assert_int_equal(p.db, good[i].db);
        ss_store_place_release(&p);
    }
}

static void mistakes_are_told_without_secrets(void **state)
{
    static const char *const bad[] = {
        "",
        "redis:/",
        "redis://",
        "rediss://secret@h",
        "redis://secret@h",
        "redis://:@h",
        "redis://:secret@",
        "redis://:secret@h:0",
        "redis://:secret@h:70000",
        "redis://:secret@h/x",
        "redis://:secret@h/16384",
        "redis://:secret%4@h",
        "redis://h?secret",
        "redis://h?db=",
        "redis://h?prefix=",
        "redis://h?secret=1",
        "redis://h?prefix=ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
        "unix:",
        "unix:/",
        "unix:secret",
        "redis://:${NAME}@h",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ss_store_place p;
        const char *why = NULL;
        assert_int_equal(ss_store_place_read(&p, bad[i], &why), -1);
        assert_non_null(why);
        assert_null(strstr(why, "secret"));
        ss_store_place_release(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_read),
        cmocka_unit_test(mistakes_are_told_without_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
