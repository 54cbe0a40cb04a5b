/* SPDX-License-Identifier: Apache-2.0 */
/* Files, kernels of every age, descriptors. */
#include "host/process/sandbox.h"

#include "sandboxed.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_CAP = 2 * SCRATCH_PATH };

/* The state of a test is the path of its own directory. */
static int make(void **state)
{
    char *dir = malloc(SCRATCH_PATH);
    assert_non_null(dir);
    scratch_make(dir, "/tmp");
    *state = dir;
    return 0;
}

static int remove_all(void **state)
{
    scratch_remove(*state);
    free(*state);
    return 0;
}

/* ---- files ---- */

static int look_around(const void *dir)
{
    PROVE(opens("/etc/passwd", O_RDONLY) && opens("/usr/bin", O_RDONLY | O_DIRECTORY));
    PROVE(opens("/proc/self/status", O_RDONLY));
    PROVE(opens("/proc/sys/net/core/somaxconn", O_RDONLY));
    PROVE(opens("/dev/null", O_RDWR) && opens("/dev/urandom", O_RDONLY));
    PROVE(closed(scratch_path(dir, "secret"), O_RDONLY));
    PROVE(closed(dir, O_RDONLY | O_DIRECTORY) && closed("/tmp", O_RDONLY | O_DIRECTORY));
    return 0;
}

static void programs_and_their_configuration_can_be_read_and_little_else(void **state)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true"};
    (void)scratch_text(*state, "secret", 0644, "x");
    assert_int_equal(inside(&rules, ABI_FILES, look_around, *state), 0);
}

static int write_outside(const void *dir)
{
    PROVE(closed(scratch_path(dir, "new"), O_WRONLY | O_CREAT));
    PROVE(closed(scratch_path(dir, "old"), O_WRONLY));
    PROVE(mkdir(scratch_path(dir, "sub"), 0700) == -1 && errno == EACCES);
    PROVE(unlink(scratch_path(dir, "old")) == -1 && errno == EACCES);
    PROVE(truncate(scratch_path(dir, "old"), 0) == -1 && errno == EACCES);
    return 0;
}

static void nothing_outside_can_be_changed(void **state)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true"};
    (void)scratch_text(*state, "old", 0666, "x");
    assert_int_equal(inside(&rules, ABI_TRUNCATE, write_outside, *state), 0);
}

static int read_what_is_named(const void *dir)
{
    PROVE(opens(scratch_path(dir, "cert.pem"), O_RDONLY));
    PROVE(closed(scratch_path(dir, "cert.pem"), O_WRONLY));
    PROVE(closed(scratch_path(dir, "key.pem"), O_RDONLY));
    return 0;
}

static void what_is_readable_is_not_writable(void **state)
{
    char cert[PATH_CAP];
    const char *const readable[] = {"/no/such/file", cert, NULL};
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .readable = readable};
    (void)scratch_text(*state, "key.pem", 0644, "x");
    (void)snprintf(cert, sizeof cert, "%s", scratch_text(*state, "cert.pem", 0644, "x"));
    assert_int_equal(inside(&rules, ABI_FILES, read_what_is_named, *state), 0);
}

static int change_state(const void *dir)
{
    PROVE(opens(scratch_path(dir, "new"), O_RDWR | O_CREAT));
    PROVE(rename(scratch_path(dir, "new"), scratch_path(dir, "newer")) == 0);
    PROVE(mkdir(scratch_path(dir, "sub"), 0700) == 0);
    PROVE(truncate(scratch_path(dir, "newer"), 0) == 0);
    PROVE(unlink(scratch_path(dir, "newer")) == 0);
    PROVE(mknod(scratch_path(dir, "fifo"), S_IFIFO | 0600, 0) == 0);
    return 0;
}

static int execute_from_state(const void *dir)
{
    (void)execl(scratch_path(dir, "program"), "program", (char *)NULL);
    PROVE(errno == EACCES);
    return 0;
}

static void what_is_writable_is_not_executable(void **state)
{
    const char *const writable[] = {*state, NULL};
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .writable = writable};
    (void)scratch_text(*state, "program", 0755, "#!/bin/sh\n");
    assert_int_equal(inside(&rules, ABI_FILES, change_state, *state), 0);
    assert_int_equal(inside(&rules, ABI_FILES, execute_from_state, *state), 0);
}

static int read_sibling(const void *dir)
{
    return opens(scratch_path(dir, "sibling"), O_RDONLY) ? 0 : 1;
}

static void the_directory_of_the_plugin_is_open_unless_it_is_shared(void **state)
{
    char plugin[PATH_CAP];
    struct ssp__sandbox_rules rules = {.plugin = plugin};
    (void)snprintf(plugin, sizeof plugin, "%s", scratch_text(*state, "plugin", 0755, "#!/bin/sh"));
    (void)scratch_text(*state, "sibling", 0644, "x");
    assert_int_equal(inside(&rules, ABI_FILES, read_sibling, *state), 0);
    assert_int_equal(chmod(*state, 01777), 0);
    assert_int_equal(inside(&rules, ABI_FILES, read_sibling, *state), 1);
}

/* ---- kernels ---- */

static void note_is(const struct ssp__sandbox_rules *rules, const char *expected)
{
    struct ssp__sandbox sb;
    char note[256];
    assert_int_equal(ssp__sandbox_prepare(&sb, rules, note, sizeof note), 0);
    ssp__sandbox_release(&sb);
    assert_string_equal(note, expected);
}

static int create_outside(const void *dir)
{
    PROVE(closed(scratch_path(dir, "new"), O_WRONLY | O_CREAT));
    PROVE(opens("/etc/passwd", O_RDONLY));
    return 0;
}

#define LACKS "plugin sandbox: the kernel cannot restrict "

static void every_abi_is_entered_and_says_what_it_lacks(void **state)
{
    static const char *const lacks[ABI_NEWEST + 1] = {
        "",
        LACKS "truncation of files, TCP ports, signals and abstract sockets",
        LACKS "truncation of files, TCP ports, signals and abstract sockets",
        LACKS "TCP ports, signals and abstract sockets",
        LACKS "signals and abstract sockets",
        LACKS "signals and abstract sockets",
        "",
        "",
    };
    const uint16_t none[] = {0};
    for (int abi = 1; abi <= ABI_NEWEST; abi++) {
        struct ssp__sandbox_rules rules = {
            .plugin = "/bin/true", .connect_ports = none, .abi_limit = abi};
        assert_int_equal(inside(&rules, abi, create_outside, *state), 0);
        note_is(&rules, lacks[abi]);
    }
}

static void ports_that_nobody_wants_restricted_are_not_missed(void **state)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .abi_limit = 3};
    assert_int_equal(inside(&rules, ABI_TRUNCATE, create_outside, *state), 0);
    note_is(&rules, LACKS "signals and abstract sockets");
}

static int mount_something(const void *unused)
{
    (void)unused;
    PROVE(opens("/tmp", O_RDONLY | O_DIRECTORY));
    PROVE(chroot("/") == -1 && errno == EPERM);
    return 0;
}

static void without_landlock_the_filter_remains(void **state)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .abi_limit = -1};
    assert_int_equal(inside(&rules, 0, mount_something, *state), 0);
    note_is(&rules, LACKS "files, signals and abstract sockets");
}

/* ---- descriptors ---- */

static void no_descriptor_is_left_behind(void **state)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true"};
    struct ssp__sandbox sb;
    char note[256];
    (void)state;
    int before = dup(STDIN_FILENO);
    (void)close(before);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ssp__sandbox_prepare(&sb, &rules, note, sizeof note), 0);
        assert_true(sb.ruleset_fd == -1 || (fcntl(sb.ruleset_fd, F_GETFD) & FD_CLOEXEC) != 0);
        ssp__sandbox_release(&sb);
        ssp__sandbox_release(&sb);
    }
    int after = dup(STDIN_FILENO);
    (void)close(after);
    assert_int_equal(after, before);
}

static int prepare_without_stdio(const void *unused)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true"};
    struct ssp__sandbox sb;
    char note[256];
    (void)unused;
    (void)close(STDIN_FILENO);
    PROVE(ssp__sandbox_prepare(&sb, &rules, note, sizeof note) == 0);
    PROVE(sb.ruleset_fd == -1 || sb.ruleset_fd > STDERR_FILENO);
    return 0;
}

static void the_ruleset_is_never_a_standard_descriptor(void **state)
{
    (void)state;
    assert_int_equal(in_child(prepare_without_stdio, NULL), 0);
}

static int prepare_without_descriptors(const void *unused)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true"};
    struct rlimit few;
    struct ssp__sandbox sb;
    char note[256] = "";
    (void)unused;
    int free_fd = dup(STDIN_FILENO);
    (void)close(free_fd);
    few.rlim_cur = few.rlim_max = (rlim_t)free_fd + 1; /* for the ruleset, but not for a path */
    PROVE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    PROVE(ssp__sandbox_prepare(&sb, &rules, note, sizeof note) == -1 && errno == EMFILE);
    PROVE(sb.ruleset_fd == -1 && strncmp(note, "plugin sandbox: ", 16) == 0);
    PROVE(strcmp(note + 16, strerror(EMFILE)) == 0);
    return 0;
}

static void a_sandbox_with_holes_is_not_handed_out(void **state)
{
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true"};
    assert_int_equal(inside(&rules, ABI_FILES, create_outside, *state), 0);
    assert_int_equal(in_child(prepare_without_descriptors, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(programs_and_their_configuration_can_be_read_and_little_else),
        TEST(nothing_outside_can_be_changed),
        TEST(what_is_readable_is_not_writable),
        TEST(what_is_writable_is_not_executable),
        TEST(the_directory_of_the_plugin_is_open_unless_it_is_shared),
        TEST(every_abi_is_entered_and_says_what_it_lacks),
        TEST(ports_that_nobody_wants_restricted_are_not_missed),
        TEST(without_landlock_the_filter_remains),
        TEST(no_descriptor_is_left_behind),
        TEST(the_ruleset_is_never_a_standard_descriptor),
        TEST(a_sandbox_with_holes_is_not_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
