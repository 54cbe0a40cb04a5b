/* SPDX-License-Identifier: Apache-2.0 */
/* Access lists: the text of a file, and what it says of names and addresses. */
#include "acl/acl.h"

#include "without_jit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The last remark about each of the first lines. */
enum { LINES = 40 };
struct remarks {
    unsigned n[2]; /* mistakes and differences */
    char text[LINES][256];
};

static void tell(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    struct remarks *r = arg;
    r->n[remark]++;
    assert_true(line < LINES);
    (void)snprintf(r->text[line], sizeof r->text[line], "%s", text);
}

static struct ss_acl *read_text(const char *text, struct remarks *r)
{
    memset(r, 0, sizeof *r);
    return ss_acl_read(text, strlen(text), tell, r);
}

static struct ss_acl *must_read(const char *text)
{
    struct remarks r;
    struct ss_acl *acl = read_text(text, &r);
    assert_non_null(acl);
    return acl;
}

static struct ssp__address address(const char *text)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, text, 80), 0);
    return a;
}

static void says(const struct ss_acl *acl, const char *name, enum ss_acl_way way, unsigned line)
{
    struct ss_acl_verdict v = ss_acl_name(acl, name);
    if (v.way != way || v.line != line)
        print_error("%s: way %d, line %u\n", name, (int)v.way, v.line);
    assert_true(v.way == way && v.line == line);
}

static void says_of(const struct ss_acl *acl, const char *text, enum ss_acl_way way, unsigned line)
{
    struct ssp__address a = address(text);
    struct ss_acl_verdict v = ss_acl_address(acl, &a);
    if (v.way != way || v.line != line)
        print_error("%s: way %d, line %u\n", text, (int)v.way, v.line);
    assert_true(v.way == way && v.line == line);
}

/* As shadowsocks-libev and shadowsocks-rust read it. */
static void test_sections(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("# a comment\n"
                                   "10.0.0.0/8\r\n" /* before any section: bypass */
                                   "\n"
                                   "[proxy_list]\n"
                                   "\t(^|\\.)proxied\\.example$ \n"
                                   "[black_list]\n"
                                   "2001:db8::/32\n"
                                   "^exact\\.example$\n"
                                   "127.0.0.1/8"); /* bits behind the prefix, no end of line */
    says(acl, "proxied.example", SS_ACL_THROUGH, 5);
    says(acl, "a.b.proxied.example", SS_ACL_THROUGH, 5);
    says(acl, "notproxied.example", SS_ACL_BY_ADDRESS, 0);
    says(acl, "exact.example", SS_ACL_AROUND, 8);
    says(acl, "www.exact.example", SS_ACL_BY_ADDRESS, 0);
    says_of(acl, "10.1.2.3", SS_ACL_AROUND, 2);
    says_of(acl, "127.9.9.9", SS_ACL_AROUND, 9);
    says_of(acl, "2001:db8::5", SS_ACL_AROUND, 7);
    says_of(acl, "192.0.2.1", SS_ACL_THROUGH, 0);
    ss_acl_free(acl);
}

static void test_modes(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("[proxy_all]\n[bypass_list]\n10.0.0.0/8\n[bypass_all]\n");
    says(acl, "any.example", SS_ACL_AROUND, 0); /* the last mode counts, and no lookup is needed */
    says_of(acl, "192.0.2.1", SS_ACL_AROUND, 0);
    ss_acl_free(acl);
    acl = must_read("[reject_all]\n[white_list]\n192.0.2.0/24\n");
    says(acl, "any.example", SS_ACL_BY_ADDRESS, 0);
    says_of(acl, "192.0.2.9", SS_ACL_THROUGH, 3);
    says_of(acl, "192.0.3.9", SS_ACL_AROUND, 0);
    ss_acl_free(acl);
    acl = must_read("");
    says(acl, "any.example", SS_ACL_THROUGH, 0);
    ss_acl_free(acl);
}

static void test_names_and_literals(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("||Example.COM\n"
                                   "|one.example\n"
                                   "192.0.2.1\n"
                                   "::ffff:198.51.100.0/120\n"
                                   "|203.0.113.7\n"
                                   "\\.below\\.example$\n"
                                   "^(.*\\.)?also\\.example$\n");
    says(acl, "WWW.example.com.", SS_ACL_AROUND, 1);
    says(acl, "example.com", SS_ACL_AROUND, 1);
    says(acl, "anexample.com", SS_ACL_BY_ADDRESS, 0);
    says(acl, "one.example", SS_ACL_AROUND, 2);
    says(acl, "www.one.example", SS_ACL_BY_ADDRESS, 0);
    says(acl, "192.0.2.1", SS_ACL_AROUND, 3);
    says_of(acl, "::ffff:192.0.2.1", SS_ACL_AROUND, 3);
    says_of(acl, "198.51.100.77", SS_ACL_AROUND, 4);
    says_of(acl, "203.0.113.7", SS_ACL_AROUND, 5);
    says(acl, "x.below.example", SS_ACL_AROUND, 6);
    says(acl, "below.example", SS_ACL_BY_ADDRESS, 0);
    says(acl, "x.also.example", SS_ACL_AROUND, 7);
    ss_acl_free(acl);
}

/* A name in both lists bypasses, by whatever kind of rule. */
static void test_precedence(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("[proxy_list]\n"
                                   "|www.example.com\n"
                                   "10.1.0.0/16\n"
                                   "[bypass_list]\n"
                                   "||example.com\n"
                                   "10.0.0.0/8\n"
                                   "||b.a.example\n"
                                   "||a.example\n");
    says(acl, "www.example.com", SS_ACL_AROUND, 5);
    says_of(acl, "10.1.2.3", SS_ACL_AROUND, 6);
    says(acl, "x.b.a.example", SS_ACL_AROUND, 7);
    says(acl, "x.a.example", SS_ACL_AROUND, 8);
    ss_acl_free(acl);
}

static void outbound(const struct ss_acl *acl, const char *name, const char *a, bool allowed,
                     unsigned line)
{
    struct ss_acl_verdict v = {.way = SS_ACL_BY_ADDRESS};
    if (name != NULL)
        v = ss_acl_outbound_name(acl, name);
    if (v.way != SS_ACL_AROUND && a != NULL) {
        struct ssp__address at = address(a);
        struct ss_acl_verdict of_name = v;
        v = ss_acl_outbound_address(acl, &at, v);
        v.line = v.line == 0 ? of_name.line : v.line;
    }
    if (v.way != (allowed ? SS_ACL_THROUGH : SS_ACL_AROUND) || v.line != line)
        print_error("%s %s: way %d, line %u\n", name, a, (int)v.way, v.line);
    assert_true(v.way == (allowed ? SS_ACL_THROUGH : SS_ACL_AROUND) && v.line == line);
}

static void test_outbound(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("[outbound_block_list]\n"
                                   "||blocked.example\n"
                                   "10.0.0.0/8\n"
                                   "[outbound_allow_list]\n"
                                   "|ok.blocked.example\n"
                                   "10.5.0.0/16\n");
    outbound(acl, "blocked.example", NULL, false, 2);
    outbound(acl, "x.blocked.example", NULL, false, 2);
    outbound(acl, "ok.blocked.example", "10.9.9.9", true, 5);
    outbound(acl, "other.example", "10.9.9.9", false, 3);
    outbound(acl, "other.example", "::ffff:10.9.9.9", false, 3);
    outbound(acl, NULL, "10.5.1.1", true, 6);
    outbound(acl, NULL, "192.0.2.1", true, 0);
    outbound(acl, "10.9.9.9", NULL, false, 3);
    ss_acl_free(acl);
    acl = must_read("[outbound_block_all]\n[outbound_allow_list]\n||ok.example\n192.0.2.0/24\n");
    outbound(acl, "a.ok.example", "198.51.100.1", true, 3);
    outbound(acl, "b.example", "198.51.100.1", false, 0);
    outbound(acl, "b.example", "192.0.2.5", true, 4);
    ss_acl_free(acl);
}

/* Lines that are refused, each alone. */
static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[bypas_list]", "did you mean [bypass_list]?"},
        {"[Bypass_List]", "no section"},
        {"[::1]", "no section"},
        {"300.0.0.0/8", "no network"},
        {"1.2.3.4/33", "no network"},
        {"192.168.", "no network"},
        {"2001:db8::/200", "no network"},
        {"||", "no host name"},
        {"||*.example.com", "no host name"},
        {"|a..b", "no host name"},
        {"(^|\\.)open(", "no expression"},
        {"[a-z]+\xc3\xbc.example", "punycode"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct remarks r;
        char text[100];
        (void)snprintf(text, sizeof text, "# one\n%s\n", rows[i].text);
        struct ss_acl *acl = read_text(text, &r);
        if (acl != NULL || strstr(r.text[2], rows[i].says) == NULL)
            print_error("%s: %s\n", rows[i].text, r.text[2]);
        assert_null(acl);
        assert_int_equal(r.n[SS_ACL_MISTAKE], 1);
        assert_non_null(strstr(r.text[2], rows[i].says));
    }
}

/* All mistakes are told, not only the first. */
static void test_all_mistakes(void **state)
{
    (void)state;
    struct remarks r;
    assert_null(read_text("[x]\n1.2.3.4/99\n||ok.example\n|-.\x7f\n", &r));
    assert_int_equal(r.n[SS_ACL_MISTAKE], 3);
}

static void test_differences(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"||a.example", "libev takes ||"},
        {"|a.example", "libev takes ||"},
        {"10.0.0.0/8 # office", "rust takes the comment"},
        {"[outbound_allow_list]", "libev takes the section"},
        {"[outbound_block_all]", "libev takes the section"},
        {"(^|\\.)Upper\\.example$", "upper case"},
        {"[bypass_list]", NULL},
        {"(^|\\.)a\\.example$", NULL},
        {"10.0.0.0/8", NULL},
#ifdef SS_HAS_PCRE2
        {"^(?!www)", "look-around"},
        {"^\\D+$", NULL},
        {"^[a-z]+\\.example$", NULL},
#endif
#ifdef SS_HAS_IDN2
        {"(^|\\.)b\xc3\xbc"
         "cher\\.example$",
         "beyond ASCII"},
#endif
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct remarks r;
        struct ss_acl *acl = read_text(rows[i].text, &r);
        assert_non_null(acl);
        ss_acl_free(acl);
        if (r.n[SS_ACL_DIFFERS] != (rows[i].says != NULL))
            print_error("%s: %s\n", rows[i].text, r.text[1]);
        assert_int_equal(r.n[SS_ACL_DIFFERS], rows[i].says != NULL);
        assert_true(rows[i].says == NULL || strstr(r.text[1], rows[i].says) != NULL);
    }
}

static void test_difference_of_long_lines(void **state)
{
    (void)state;
    struct remarks r;
    char text[400];
    (void)snprintf(text, sizeof text, "\xef\xbb\xbf[bypass_list]\n10.0.0.0/8%300s\n", "");
    struct ss_acl *acl = read_text(text, &r);
    assert_non_null(acl);
    assert_int_equal(r.n[SS_ACL_DIFFERS], 2);
    assert_non_null(strstr(r.text[1], "byte order mark"));
    assert_non_null(strstr(r.text[2], "255 bytes"));
    says_of(acl, "10.1.1.1", SS_ACL_AROUND, 2);
    ss_acl_free(acl);
}

static void test_difference_of_lists(void **state)
{
    (void)state;
    struct remarks r;
    struct ss_acl *acl = read_text("(^|\\.)a\\.example$\n"
                                   "10.0.0.0/8\n"
                                   "[proxy_list]\n"
                                   "^www\\.a\\.example$\n"
                                   "10.1.0.0/16\n"
                                   "192.0.2.0/24\n",
                                   &r);
    assert_non_null(acl);
    assert_int_equal(r.n[SS_ACL_DIFFERS], 1);
    assert_non_null(strstr(r.text[4], "line 1 has it in the other list"));
    ss_acl_free(acl);
    acl = read_text("[bypass_all]\n10.0.0.0/8\n[proxy_list]\n10.1.0.0/16\n", &r);
    assert_non_null(acl);
    assert_int_equal(r.n[SS_ACL_DIFFERS], 1);
    assert_non_null(strstr(r.text[4], "line 2 has it in the other list"));
    ss_acl_free(acl);
}

#ifdef SS_HAS_PCRE2
static void test_expressions(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("[0-9]+\\.ads\\.example\n"
                                   "[proxy_list]\n"
                                   "^(a+)+$\n");
    says(acl, "X9.Ads.example.org", SS_ACL_AROUND, 1);
    says(acl, "x.ads.example", SS_ACL_THROUGH, 0);
    char name[200];
    memset(name, 'a', sizeof name - 2);
    name[sizeof name - 2] = '!';
    name[sizeof name - 1] = '\0';
    says(acl, name, SS_ACL_THROUGH, 3); /* too many steps: the safe side */
    ss_acl_free(acl);
}
#endif

#ifdef SS_HAS_IDN2
static void test_international(void **state)
{
    (void)state;
    struct ss_acl *acl = must_read("||B\xc3\x9c"
                                   "CHER.example\n");
    says(acl, "www.xn--bcher-kva.example", SS_ACL_AROUND, 1);
    says(acl,
         "b\xc3\xbc"
         "cher.example",
         SS_ACL_AROUND, 1);
    ss_acl_free(acl);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_names_and_literals),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_outbound),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_all_mistakes),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_difference_of_long_lines),
        cmocka_unit_test(test_difference_of_lists),
#ifdef SS_HAS_PCRE2
        cmocka_unit_test(test_expressions),
#endif
#ifdef SS_HAS_IDN2
        cmocka_unit_test(test_international),
#endif
    };
#ifdef WITHOUT_JIT
    return cmocka_run_group_tests(tests, without_jit, NULL);
#else
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
