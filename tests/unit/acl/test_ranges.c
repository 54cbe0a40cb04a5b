/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that the policies of ss-server refuse, in each of their forms. */
#include "acl/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The ranges that lan and public name. */
static const struct {
    const char *address, *lan, *public;
} rows[] = {
    {"0.0.0.0", "unspecified", "unspecified"},
    {"0.1.2.3", "unspecified", "unspecified"},
    {"127.0.0.1", "loopback", "loopback"},
    {"127.255.255.254", "loopback", "loopback"},
    {"128.0.0.1", NULL, NULL},
    {"169.254.169.254", "link-local", "link-local"},
    {"169.255.0.1", NULL, NULL},
    {"224.0.0.251", "multicast", "multicast"},
    {"239.255.255.250", "multicast", "multicast"},
    {"255.255.255.255", "broadcast", "broadcast"},
    {"240.0.0.1", NULL, "reserved"},
    {"10.0.0.1", NULL, "private"},
    {"11.0.0.1", NULL, NULL},
    {"172.16.0.1", NULL, "private"},
    {"172.31.255.255", NULL, "private"},
    {"172.32.0.1", NULL, NULL},
    {"192.168.1.1", NULL, "private"},
    {"100.64.0.1", NULL, "carrier-grade NAT"},
    {"100.128.0.1", NULL, NULL},
    {"192.0.0.8", NULL, "reserved"},
    {"192.0.1.1", NULL, NULL},
    {"198.19.0.1", NULL, "reserved"},
    {"8.8.8.8", NULL, NULL},
    {"::", "unspecified", "unspecified"},
    {"::1", "loopback", "loopback"},
    {"fe80::1", "link-local", "link-local"},
    {"febf::1", "link-local", "link-local"},
    {"fec0::1", NULL, "private"},
    {"ff02::fb", "multicast", "multicast"},
    {"fd00::1", NULL, "private"},
    {"2001:4860:4860::8888", NULL, NULL},
    {"::ffff:127.0.0.1", "loopback", "loopback"},
    {"::ffff:10.0.0.1", NULL, "private"},
    {"::ffff:0.0.0.0", "unspecified", "unspecified"},
    {"64:ff9b::127.0.0.1", "loopback", "loopback"},
    {"64:ff9b::192.168.0.1", NULL, "private"},
    {"64:ff9b::8.8.8.8", NULL, NULL},
    {"2002:7f00:1::1", "loopback", "loopback"},
    {"2002:a9fe:a9fe::", "link-local", "link-local"},
    {"2002:a00:1::1", NULL, "private"},
    {"::127.0.0.1", "loopback", "loopback"},
};

static bool equal(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void test_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssp__address a;
        assert_int_equal(ssp__address_parse(&a, rows[i].address, 80), 0);
        struct ssp__address plain = ss_range_plain(&a);
        assert_int_equal(ssp__address_port(&plain), 80);
        const char *lan = ss_range_refused(SS_OUTBOUND_LAN, &plain);
        const char *public = ss_range_refused(SS_OUTBOUND_PUBLIC, &plain);
        if (!equal(lan, rows[i].lan) || !equal(public, rows[i].public))
            print_error("%s: %s, %s\n", rows[i].address, lan != NULL ? lan : "-",
                        public != NULL ? public : "-");
        assert_true(equal(lan, rows[i].lan) && equal(public, rows[i].public));
        assert_null(ss_range_refused(SS_OUTBOUND_ALL, &plain));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_policies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
