/* SPDX-License-Identifier: Apache-2.0 */
/* Real programs in the sandbox: what it must not break. */
#include "host/process/privilege.h"
#include "host/process/sandbox.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOT_ENTERED = 200, NOT_EXECUTED = 201 };

struct program {
    const struct ssp__sandbox *sb;
    const struct ssp__privilege *privilege; /* NULL: stay */
    const char *const *argv;
};

static int become(const void *arg)
{
    const struct program *p = arg;
    char *argv[8] = {NULL};
    for (int i = 0; i < 7 && p->argv[i] != NULL; i++)
        argv[i] = (char *)(uintptr_t)p->argv[i];
    if (p->privilege != NULL && ssp__privilege_enter(p->privilege) == -1)
        return NOT_ENTERED;
    if (ssp__sandbox_enter(p->sb) == -1)
        return NOT_ENTERED;
    if (freopen("/dev/null", "w", stdout) == NULL)
        return NOT_ENTERED;
    (void)execv(argv[0], argv);
    return NOT_EXECUTED;
}

static int run(const char *const *argv, const char *user)
{
    const struct ssp__sandbox_rules rules = {.plugin = argv[0]};
    struct ssp__sandbox sb;
    struct ssp__privilege privilege;
    char note[256];
    assert_int_equal(ssp__sandbox_prepare(&sb, &rules, note, sizeof note), 0);
    assert_int_equal(ssp__privilege_prepare(&privilege, user, note, sizeof note), 0);
    struct program p = {.sb = &sb, .privilege = user != NULL ? &privilege : NULL, .argv = argv};
    int rc = in_child(become, &p);
    ssp__sandbox_release(&sb);
    return rc;
}

/* As we are, and as the user that an operator would choose. */
static void runs_as_anybody(const char *const *argv)
{
    if (access(argv[0], X_OK) == -1)
        skip();
    assert_int_equal(run(argv, NULL), 0);
    if (geteuid() == 0)
        assert_int_equal(run(argv, "nobody"), 0);
}

#define RUNS(...) runs_as_anybody((const char *const[]){__VA_ARGS__, NULL})

static void a_program_runs(void **unused)
{
    (void)unused;
    RUNS("/bin/true");
}

static void a_shell_runs_pipes_and_programs(void **unused)
{
    (void)unused;
    RUNS("/bin/sh", "-c",
         "test \"$(echo a b | tr a-z A-Z | sed 's/ /-/')\" = A-B && : > /dev/null && "
         "echo said 2> /dev/null >&2 && ls /usr > /dev/null && (sleep 0 & wait)");
}

/* By name, as scripts do: possible for whoever owns the pipe behind it. */
static void a_shell_writes_to_dev_stderr(void **unused)
{
    static const char *const argv[] = {"/bin/sh", "-c", "echo said > /dev/stderr", NULL};
    int pair[2];
    int kept = dup(STDERR_FILENO);
    (void)unused;
    assert_int_equal(pipe(pair), 0);
    assert_int_not_equal(dup2(pair[1], STDERR_FILENO), -1);
    int rc = run(argv, NULL);
    assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
    (void)close(kept);
    (void)close(pair[0]);
    (void)close(pair[1]);
    assert_int_equal(rc, 0);
}

static void obfs_local_of_debian_runs(void **unused)
{
    (void)unused;
    RUNS("/usr/bin/obfs-local", "--help");
}

/* Its file carries CAP_NET_BIND_SERVICE. */
static void obfs_server_of_debian_runs(void **unused)
{
    (void)unused;
    RUNS("/usr/bin/obfs-server", "--help");
}

/* A program of Go: many threads, and it reads /sys and /proc when it starts. */
static void v2ray_plugin_of_debian_runs(void **unused)
{
    (void)unused;
    RUNS("/usr/bin/ss-v2ray-plugin", "-version");
}

static void a_script_runs_what_lies_beside_it(void **unused)
{
    char dir[SCRATCH_PATH];
    (void)unused;
    scratch_make(dir, "/tmp");
    (void)scratch_text(dir, "tool", 0755, "#!/bin/sh\nexit 0\n");
    RUNS(scratch_text(dir, "plugin", 0755, "#!/bin/sh\n\"$(dirname \"$0\")/tool\" && exec true\n"));
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_runs),
        cmocka_unit_test(a_shell_runs_pipes_and_programs),
        cmocka_unit_test(a_shell_writes_to_dev_stderr),
        cmocka_unit_test(obfs_local_of_debian_runs),
        cmocka_unit_test(obfs_server_of_debian_runs),
        cmocka_unit_test(v2ray_plugin_of_debian_runs),
        cmocka_unit_test(a_script_runs_what_lies_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
