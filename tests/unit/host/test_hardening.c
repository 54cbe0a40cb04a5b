/* SPDX-License-Identifier: Apache-2.0 */
/* A host without the rights that it does not use, and a process that libraries still work in. */
#include "host/process/hardening.h"

#include "host/process/sandbox.h"
#include "scratch.h"

#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int without_cores(const void *unused)
{
    struct rlimit core;
    (void)unused;
    ssp__harden_process(false);
    PROVE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0);
    PROVE(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    return 0;
}

static int with_cores(const void *unused)
{
    struct rlimit before, after;
    (void)unused;
    PROVE(getrlimit(RLIMIT_CORE, &before) == 0);
    ssp__harden_process(true);
    PROVE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 1);
    PROVE(getrlimit(RLIMIT_CORE, &after) == 0 && after.rlim_cur == before.rlim_cur);
    return 0;
}

static void cores_are_written_only_when_asked_for(void **unused)
{
    (void)unused;
    assert_int_equal(in_child(without_cores, NULL), 0);
    assert_int_equal(in_child(with_cores, NULL), 0);
}

static int use_what_is_left(const void *unused)
{
    struct addrinfo *found = NULL;
    (void)unused;
    ssp__harden_process(false);
    PROVE(ssp__harden_calls() == 0);
    PROVE(execl("/bin/true", "true", (char *)NULL) == -1 && errno == EPERM);
    PROVE(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
    PROVE(getaddrinfo("localhost", "80", NULL, &found) == 0);
    freeaddrinfo(found);
    pid_t pid = fork();
    if (pid == 0)
        (void)pause();
    PROVE(pid > 0 && kill(pid, SIGKILL) == 0 && outcome(pid) == ENDED_BY + SIGKILL);
    return 0;
}

static void a_host_executes_nothing_and_goes_on(void **unused)
{
    (void)unused;
    if (!SSP_SANDBOX_POSSIBLE)
        skip();
    assert_int_equal(in_child(use_what_is_left, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_are_written_only_when_asked_for),
        cmocka_unit_test(a_host_executes_nothing_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
