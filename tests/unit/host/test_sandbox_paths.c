/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sandbox_paths.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool finds(const struct ssp__sandbox_naming *naming, const char *path)
{
    struct ssp__sandbox_paths reach;
    bool found = false;
    assert_int_equal(ssp__sandbox_paths_read(&reach, naming), 0);
    assert_null(reach.path[reach.n]);
    for (size_t i = 0; i < reach.n; i++)
        found = found || strcmp(reach.path[i], path) == 0;
    ssp__sandbox_paths_release(&reach);
    return found;
}

static bool reaches(const char *options, const char *path)
{
    return finds(&(struct ssp__sandbox_naming){.options = options}, path);
}

static size_t reached(const char *options)
{
    struct ssp__sandbox_paths reach;
    struct ssp__sandbox_naming naming = {.options = options};
    assert_int_equal(ssp__sandbox_paths_read(&reach, &naming), 0);
    size_t n = reach.n;
    ssp__sandbox_paths_release(&reach);
    return n;
}

static void files_and_their_directories_are(void **unused)
{
    (void)unused;
    assert_true(reaches("host=a.b;cert=/etc/site/a\\;b.pem", "/etc/site/a;b.pem"));
    assert_true(reaches("cert=/etc/site/a.pem", "/etc/site"));
    assert_true(reaches("cert=/no/such/file", "/no/such"));
}

static void what_a_link_leads_to_is(void **unused)
{
    char dir[SCRATCH_PATH], options[2 * SCRATCH_PATH];
    (void)unused;
    scratch_make(dir, "/tmp");
    const char *link = scratch_path(dir, "link");
    assert_int_equal(symlink("/usr/bin/env", link), 0);
    (void)snprintf(options, sizeof options, "file=%s", link);
    bool there = reaches(options, "/usr/bin");
    scratch_remove(dir);
    assert_true(there);
}

/* The string of Cloak is a path; other plugins take lists, command lines and further plugins. */
static void a_path_is_found_in_whatever_form(void **unused)
{
    static const char *const forms[] = {
        "%s/c.json",
        "v;%s/c.json",
        "conf=%s/c.json",
        "ca=%s/a.pem,%s/c.json",
        "server:%s/a:%s/c.json",
        "args=-c %s/c.json",
        "to=tls\\;ca\\=%s/c.json",
        "a\\;%s/c.json",
    };
    char dir[SCRATCH_PATH], options[4 * SCRATCH_PATH];
    (void)unused;
    scratch_make(dir, "/tmp");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        (void)scratch_text(dir, "c.json", 0600, "{}");
        char *to = options;
        for (const char *from = forms[i]; *from != '\0'; from++) {
            if (from[0] == '%' && ++from)
                to += snprintf(to, sizeof dir, "%s", dir);
            else
                *to++ = *from;
        }
        *to = '\0';
        if (!reaches(options, scratch_path(dir, "c.json")) || !reaches(options, dir))
            fail_msg("%s", options);
    }
    scratch_remove(dir);
}

static void a_relative_path_is_one_of_the_working_directory(void **unused)
{
    char dir[SCRATCH_PATH], back[SCRATCH_PATH];
    (void)unused;
    scratch_make(dir, "/tmp");
    (void)scratch_text(dir, "c.json", 0600, "{}");
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(dir), 0);
    bool alone = reaches("c.json", scratch_path(dir, "c.json"));
    bool value = reaches("v;conf=./c.json", scratch_path(dir, "./c.json"));
    bool word = reaches("server;.", scratch_path(dir, "."));
    assert_int_equal(chdir(back), 0);
    scratch_remove(dir);
    assert_true(alone && value);
    assert_false(word);
}

/* A home directory is not opened for the sake of one file in it. */
static void a_directory_of_many_is_not_opened(void **unused)
{
    (void)unused;
    assert_true(reaches("/var/lib/x.json", "/var/lib/x.json"));
    assert_false(reaches("/var/lib/x.json", "/var/lib"));
    assert_false(reaches("/tmp/x.json", "/tmp"));
    assert_false(reaches("/etc/x.json", "/etc"));
    assert_false(reaches("/etc/ssl/private/x.key", "/etc/ssl"));
    assert_false(reaches("/root/x.json", "/root"));
}

/* The renewal of a certificate may exchange the file, its directory, or a link. */
static void what_a_certificate_may_be_renewed_to_is(void **unused)
{
    char dir[SCRATCH_PATH], options[2 * SCRATCH_PATH];
    (void)unused;
    scratch_make(dir, "/tmp");
    assert_int_equal(mkdir(scratch_path(dir, "live"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(dir, "live/v1"), 0700), 0);
    assert_int_equal(symlink("live/v1", scratch_path(dir, "current")), 0);
    (void)snprintf(options, sizeof options, "cert=%s/current/cert.pem", dir);
    bool beside_target = reaches(options, scratch_path(dir, "live"));
    (void)snprintf(options, sizeof options, "cert=%s/live/v1/cert.pem", dir);
    bool above = reaches(options, scratch_path(dir, "live"));
    scratch_remove(dir);
    assert_true(beside_target);
    assert_true(above);
}

static void the_certificates_of_acme_sh_are_for_plugins_that_look_there(void **unused)
{
    struct ssp__sandbox_naming naming = {
        .options = "server;tls;host=a.b", .plugin = "/usr/bin/ss-v2ray-plugin", .home = "/h"};
    (void)unused;
    assert_true(finds(&naming, "/h/.acme.sh/a.b"));
    naming.options = "host=../x";
    assert_false(finds(&naming, "/h/.acme.sh/../x"));
    naming.options = "cert=~/a/cert.pem";
    assert_true(finds(&naming, "/h/a/cert.pem"));
    naming = (struct ssp__sandbox_naming){
        .options = "acme_host=a.b", .plugin = "qtun-server", .home = "/h"};
    assert_true(finds(&naming, "/h/.acme.sh/a.b"));
    naming.plugin = "obfs-server";
    assert_false(finds(&naming, "/h/.acme.sh/a.b"));
}

static void what_is_to_be_changed_exists_and_is_absolute(void **unused)
{
    struct ssp__sandbox_paths paths;
    char why[256];
    (void)unused;
    assert_int_equal(ssp__sandbox_paths_split(&paths, "/usr/bin:/etc", why, sizeof why), 0);
    assert_int_equal(paths.n, 2);
    assert_string_equal(paths.path[1], "/etc");
    ssp__sandbox_paths_release(&paths);
    assert_int_equal(ssp__sandbox_paths_split(&paths, "/etc:/no/such", why, sizeof why), -1);
    assert_string_equal(why, "plugin_writable: \"/no/such\": No such file or directory");
    ssp__sandbox_paths_release(&paths);
    assert_int_equal(ssp__sandbox_paths_split(&paths, "etc", why, sizeof why), -1);
    assert_non_null(strstr(why, "not an absolute path"));
    ssp__sandbox_paths_release(&paths);
}

/* For a plugin whose option path is that of a URL, everything would be open. */
static void the_root_never_is(void **unused)
{
    static const char *const values[] = {
        "path=/", "path=//", "path=/.", "path=/usr/..", "path=/proc/self/root", "path=///",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_false(reaches(values[i], "/") || reaches(values[i], values[i] + 5));
    assert_false(reaches("path=//no-such-page", "/"));
    assert_false(reaches("path=/./no-such-page", "/."));
    assert_false(reaches("path=/usr/../no-such-page", "/usr/.."));
    assert_int_equal(reached("path=/no-such-page"), 1);
}

static void a_second_slash_opens_no_more(void **unused)
{
    (void)unused;
    assert_false(reaches("path=//var/lib/dpkg/status", "/var/lib"));
    assert_false(reaches("path=//var/lib/dpkg/status", "//var/lib"));
}

static void what_is_no_path_is_not(void **unused)
{
    (void)unused;
    assert_int_equal(reached(NULL), 0);
    assert_int_equal(reached("tls;host=a.b;cert=etc/ssl/a.pem;path="), 0);
}

static void malformed_and_countless_options_do_no_harm(void **unused)
{
    char options[200 * sizeof "k=/no/such/file000;"] = "", *end = options;
    (void)unused;
    assert_true(reaches("cert=/etc/site/a.pem;=x;key=/etc/b", "/etc/site"));
    for (int i = 0; i < 200; i++)
        end += sprintf(end, "k=/no/such/file%03d;", i);
    assert_int_equal(reached(options), SSP_REACH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_their_directories_are),
        cmocka_unit_test(what_a_link_leads_to_is),
        cmocka_unit_test(a_path_is_found_in_whatever_form),
        cmocka_unit_test(a_relative_path_is_one_of_the_working_directory),
        cmocka_unit_test(a_directory_of_many_is_not_opened),
        cmocka_unit_test(what_a_certificate_may_be_renewed_to_is),
        cmocka_unit_test(the_certificates_of_acme_sh_are_for_plugins_that_look_there),
        cmocka_unit_test(what_is_to_be_changed_exists_and_is_absolute),
        cmocka_unit_test(the_root_never_is),
        cmocka_unit_test(a_second_slash_opens_no_more),
        cmocka_unit_test(what_is_no_path_is_not),
        cmocka_unit_test(malformed_and_countless_options_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
