/* SPDX-License-Identifier: Apache-2.0 */
#include "check/runner.h"

#include "base/retry.h"
#include "check/process.h"
#include "check/signal_name.h"
#include "procfs/proc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOB_S = 120, LATE_S = 60, SWEEPS_MAX = 2000, SWEEP_NS = 1000000, TICK_NS = 200000000 };

void *runner_share(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void runner_unshare(void *memory, size_t size)
{
    if (memory != NULL)
        (void)munmap(memory, size);
}

/* The signals that main and the guardians wait for.  An ignored signal stays ignored: nohup(1) and
 * shells rely on that. */
static void interesting(sigset_t *set)
{
    static const int ignorable[] = {SIGINT, SIGQUIT, SIGHUP};
    struct sigaction now;
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGCHLD);
    (void)sigaddset(set, SIGTERM);
    for (size_t i = 0; i < sizeof ignorable / sizeof *ignorable; i++) {
        if (sigaction(ignorable[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaddset(set, ignorable[i]);
    }
}

/* ---- the check and its guardian ---- */

_Noreturn static void run_check(struct runner *r, const struct job *j)
{
    sigset_t none;
    int64_t begun = clock_us();
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* processes that leave the group are reaped here */
    struct evidence *e = &j->result->evidence;
    j->result->outcome = j->check->run(r->fixture, j->role, e);
    j->result->took_us = clock_us() - begun;
    j->result->done = true;
    _exit(0);
}

static unsigned kill_children(void)
{
    DIR *proc = opendir("/proc");
    struct ssp__proc child;
    unsigned killed = 0;
    while (proc != NULL && ssp__proc_next_child(proc, &child))
        killed += kill(child.pid, SIGKILL) == 0;
    if (proc != NULL)
        (void)closedir(proc);
    return killed;
}

static void sweep(void)
{
    for (int i = 0; i < SWEEPS_MAX && kill_children() > 0; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = SWEEP_NS}, NULL);
        while (ssp__waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

/* Waits for the check, within a limit. */
static const char *await_check(pid_t check, int *status)
{
    sigset_t set;
    struct timespec tick = {.tv_nsec = TICK_NS};
    int64_t deadline = clock_us() + (int64_t)JOB_S * 1000000;
    interesting(&set);
    while (ssp__waitpid(check, status, WNOHANG) == 0) {
        int signal = sigtimedwait(&set, NULL, &tick);
        if (signal > 0 && signal != SIGCHLD)
            return "interrupted";
        if (clock_us() > deadline)
            return "not finished in time";
    }
    return NULL;
}

_Noreturn static void be_guardian(struct runner *r, struct job *j, pid_t tool)
{
    int status = 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != tool)
        _exit(0); /* the tool has ended meanwhile */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t check = fork();
    if (check == 0)
        run_check(r, j);
    const char *why = check == -1 ? "no process for it" : await_check(check, &status);
    sweep();
    if (!j->result->done) {
        struct evidence *e = &j->result->evidence;
        j->result->outcome = FAIL;
        if (why != NULL)
            evidence_add(e, "the check itself: %s", why);
        else if (WIFSIGNALED(status))
            evidence_add(e, "the check itself: killed by %s", signal_name(WTERMSIG(status)));
        else
            evidence_add(e, "the check itself: exit %d", WEXITSTATUS(status));
    }
    _exit(0);
}

static void begin(struct runner *r, struct job *j)
{
    j->begun = true;
    j->result->done = false;
    j->result->attempts++;
    j->result->evidence = (struct evidence){.len = 0};
    pid_t tool = getpid();
    j->guardian = fork();
    if (j->guardian == 0)
        be_guardian(r, j, tool);
    if (j->guardian == -1) {
        j->guardian = 0;
        j->result->outcome = FAIL;
        evidence_add(&j->result->evidence, "the check itself: no process for it");
    }
}

/* ---- the tool ---- */

static unsigned running(const struct runner *r)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->jobs; i++)
        n += r->job[i].guardian > 0 ? 1 : 0;
    return n;
}

static struct job *waiting(struct runner *r)
{
    for (unsigned i = 0; i < r->jobs; i++) {
        if (!r->job[i].begun)
            return &r->job[i];
    }
    return NULL;
}

static void note_ends(struct runner *r)
{
    pid_t pid;
    while ((pid = ssp__waitpid(-1, NULL, WNOHANG)) > 0) {
        for (unsigned i = 0; i < r->jobs; i++) {
            if (r->job[i].guardian == pid)
                r->job[i].guardian = 0;
        }
    }
}

static void report_progress(const struct runner *r)
{
    unsigned begun = 0, now = running(r);
    if (r->progress == NULL)
        return;
    for (unsigned i = 0; i < r->jobs; i++)
        begun += r->job[i].begun ? 1 : 0;
    r->progress(r->arg, begun - now, now, r->jobs);
}

/* No job begins after end_us. */
static int run_jobs(struct runner *r, unsigned parallel, int64_t end_us, const sigset_t *set)
{
    struct timespec tick = {.tv_nsec = TICK_NS};
    int stop = 0;
    for (;;) {
        note_ends(r);
        struct job *next;
        while (stop == 0 && running(r) < parallel && clock_us() < end_us &&
               (next = waiting(r)) != NULL)
            begin(r, next);
        if (running(r) == 0)
            return stop;
        report_progress(r);
        int signal = sigtimedwait(set, NULL, &tick);
        if (signal == -1 || signal == SIGCHLD || stop != 0)
            continue;
        stop = signal;
        for (unsigned i = 0; i < r->jobs; i++) {
            if (r->job[i].guardian > 0)
                (void)kill(r->job[i].guardian, SIGTERM);
        }
    }
}

/* Guardians begin with the signals blocked, so that none is lost. */
static int run_until(struct runner *r, unsigned parallel, int64_t end_us)
{
    sigset_t set, before;
    interesting(&set);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    int signal = run_jobs(r, parallel, end_us, &set);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return signal;
}

int runner_run(struct runner *r)
{
    return run_until(r, r->parallel, INT64_MAX);
}

int runner_run_late(struct runner *r)
{
    for (unsigned i = 0; i < r->jobs; i++) {
        const struct result *result = r->job[i].result;
        if (r->job[i].begun && result->done && result->outcome == FAIL && result->evidence.late)
            r->job[i].begun = false;
    }
    return run_until(r, r->parallel_late, clock_us() + (int64_t)LATE_S * 1000000);
}
