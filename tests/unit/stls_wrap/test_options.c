/* SPDX-License-Identifier: Apache-2.0 */
/* Options of shadow-tls, and those that contradict each other. */
#include "trio.h"

static void expect_refused(ssp_role role, const char *options, const char *sentence)
{
    char why[256] = "";
    assert_null(ssp_conf_new(&stls_wrap, role, options, why, sizeof why));
    assert_string_equal(why, sentence);
}

static void a_wrong_option_is_named(void **state)
{
    (void)state;
    expect_refused(SSP_SERVER, "passwd=p", "option tls is required: tls=www.example.com:443");
    expect_refused(SSP_SERVER, "passwd=;tls=a", "option passwd: is empty");
    expect_refused(SSP_SERVER, "passwd=p;tls=a;fallback=b:443",
                   "options tls and fallback: both name the web site; leave out fallback");
    expect_refused(SSP_SERVER, "passwd=p;tls=a;v3=0",
                   "option v3: version 3 is the only one; v3=0 has to go");
    expect_refused(SSP_SERVER, "passwd=p;tls=a:x", "option tls: expected HOST or HOST:PORT");
    expect_refused(SSP_SERVER, "passwd=p;tls=:443", "option tls: expected HOST or HOST:PORT");
    expect_refused(SSP_SERVER, "passwd=p;tls=one:a\\;two:b",
                   "option tls: has several sites; one is possible, without names in front");
    expect_refused(SSP_SERVER, "passwd=p;tls=a;wildcard-sni=all",
                   "option wildcard-sni: the web site is that of tls=; leave it out");
    expect_refused(SSP_CLIENT, "passwd=p", "option host is required: host=www.example.com");
    expect_refused(SSP_CLIENT, "passwd=p;host=a\\;b",
                   "option host: has several names; one is possible");
    expect_refused(SSP_CLIENT, "passwd=p;host=a:443",
                   "option host: expected the name of a web site, without a port");
}

static void the_site_of_a_server_has_a_port(void **state)
{
    static const char *const cases[][2] = {
        {"server;v3;tls=ex.test;passwd=p;threads=2;wildcard-sni=off", "ex.test:443"},
        {"passwd=p;tls=ex.test:8443", "ex.test:8443"},
        {"passwd=p;tls=[2001:db8::1]", "[2001:db8::1]:443"},
        {"passwd=p;tls=[2001:db8::1]:1", "[2001:db8::1]:1"},
        {"passwd=p;fallback=192.0.2.1:2", "192.0.2.1:2"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[256] = "";
        ssp_conf *conf = ssp_conf_new(&stls_wrap, SSP_SERVER, cases[i][0], why, sizeof why);
        assert_string_equal(why, conf != NULL ? why : "");
        assert_string_equal(stls_wrap.fallback(ssp_conf_values(conf)), cases[i][1]);
        ssp_conf_free(conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_option_is_named),
        cmocka_unit_test(the_site_of_a_server_has_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
