/* SPDX-License-Identifier: Apache-2.0 */
#include "check/process.h"

#include "base/retry.h"
#include "check/exec.h"
#include "check/signal_name.h"
#include "procfs/listening.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 3, KILL_MS = 2000, UDP_GRACE_MS = 200, PIPE_SMALL = 4096, CHUNKS_LEFT = 16 };

int64_t clock_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static unsigned left_ms(int64_t deadline_us)
{
    int64_t left = deadline_us - clock_us();
    return left <= 0 ? 0 : (unsigned)((left + 999) / 1000);
}

/* ---- its output ---- */

static void keep(struct process *p, const char *bytes, size_t n)
{
    (void)pthread_mutex_lock(&p->lock);
    size_t room = CAPTURE_MAX - p->captured_len, take = n < room ? n : room;
    char *grown = take > 0 ? realloc(p->captured, p->captured_len + take + 1) : NULL;
    if (grown != NULL) {
        memcpy(grown + p->captured_len, bytes, take);
        p->captured = grown;
        p->captured_len += take;
        grown[p->captured_len] = '\0';
    }
    p->captured_total += n;
    (void)pthread_mutex_unlock(&p->lock);
}

static void *drain(void *arg)
{
    struct process *p = arg;
    char bytes[16384];
    struct pollfd fds[2] = {{.fd = p->output_fd, .events = POLLIN},
                            {.fd = p->stop_fd, .events = POLLIN}};
    for (unsigned left = CHUNKS_LEFT; left > 0;) {
        if (poll(fds, 2, -1) == -1) {
            if (errno == EINTR)
                continue;
            return NULL;
        }
        bool stop = fds[1].revents != 0;
        ssize_t n = fds[0].revents != 0 ? ssp__read(p->output_fd, bytes, sizeof bytes) : -1;
        if (n > 0)
            keep(p, bytes, (size_t)n);
        else if (n == 0 || stop)
            return NULL;
        left -= stop; /* the rest of the pipe; a writer that goes on is not waited for */
    }
    return NULL;
}

static int start_reader(struct process *p)
{
    p->stop_fd = eventfd(0, EFD_CLOEXEC);
    (void)fcntl(p->output_fd, F_SETFL, O_NONBLOCK);
    if (p->stop_fd == -1 || pthread_create(&p->reader, NULL, drain, p) != 0)
        return -1;
    p->reading = true;
    return 0;
}

static void stop_reader(struct process *p)
{
    if (!p->reading)
        return;
    (void)!write(p->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)pthread_join(p->reader, NULL);
    p->reading = false;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void process_close_reader(struct process *p)
{
    stop_reader(p);
    close_fd(&p->output_fd);
}

char *process_output(struct process *p, size_t *len, size_t *total)
{
    if (p->ended)
        stop_reader(p); /* which reads what is left */
    (void)pthread_mutex_lock(&p->lock);
    char *copy = malloc(p->captured_len + 1);
    if (copy != NULL && p->captured_len > 0)
        memcpy(copy, p->captured, p->captured_len);
    if (copy != NULL)
        copy[p->captured_len] = '\0';
    *len = copy != NULL ? p->captured_len : 0;
    if (total != NULL)
        *total = p->captured_total;
    (void)pthread_mutex_unlock(&p->lock);
    return copy;
}

/* ---- start ---- */

static void clear(struct process *p, ssp_role role)
{
    *p = (struct process){.role = role, .pid = -1, .pidfd = -1, .output_fd = -1, .stop_fd = -1};
    (void)pthread_mutex_init(&p->lock, NULL);
}

/* Makes the output as the launch wants it.  Returns the end of the plugin, or -1 with errno. */
static int make_output(struct process *p, const struct launch *l)
{
    int pair[2];
    if (l->output == OUTPUT_NULL || l->output == OUTPUT_CLOSED)
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    if (pipe2(pair, O_CLOEXEC) == -1)
        return -1;
    p->output_fd = pair[0];
    if (l->output == OUTPUT_UNREAD)
        (void)fcntl(pair[0], F_SETPIPE_SZ, PIPE_SMALL);
    if (l->output == OUTPUT_READER_CLOSED)
        close_fd(&p->output_fd);
    return pair[1];
}

static int watch(struct process *p)
{
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    return p->pidfd == -1 ? -1 : 0;
}

int process_start(struct process *p, const struct launch *l)
{
    clear(p, l->role);
    int out_fd = make_output(p, l), error = errno;
    if (out_fd != -1) {
        p->started_us = clock_us();
        p->pid = exec_launch(l, out_fd);
        error = p->pid == -1 ? errno : 0;
        (void)close(out_fd);
    }
    if (error == 0 && watch(p) == -1)
        error = errno;
    if (error == 0 && l->output == OUTPUT_DRAINED && start_reader(p) == -1)
        error = errno;
    if (error != 0)
        process_end(p);
    errno = error;
    return error == 0 ? 0 : -1;
}

int process_adopt(struct process *p, pid_t pid, ssp_role role)
{
    clear(p, role);
    p->pid = pid;
    p->started_us = clock_us();
    return watch(p);
}

/* ---- its end ---- */

/* Notes the end, and the status when it is our child's. */
static void reap(struct process *p)
{
    siginfo_t info = {.si_pid = 0};
    p->ended = true;
    p->ended_us = clock_us();
    if (ssp__waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED) == -1 || info.si_pid == 0)
        return;
    p->status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
}

bool process_await_exit(struct process *p, unsigned ms)
{
    int64_t deadline = clock_us() + (int64_t)ms * 1000;
    struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};
    while (!p->ended && p->pidfd != -1) {
        int n = poll(&fd, 1, (int)left_ms(deadline));
        if (n > 0)
            reap(p);
        else if (left_ms(deadline) == 0)
            break;
    }
    return p->ended;
}

bool process_alive(struct process *p)
{
    return p->pid > 0 && !process_await_exit(p, 0);
}

bool process_crashed(struct process *p)
{
    return process_await_exit(p, 0) && WIFSIGNALED(p->status);
}

const char *process_fate(struct process *p, char *text, size_t cap)
{
    bool over = process_await_exit(p, 0);
    double ms = (double)((over ? p->ended_us : clock_us()) - p->started_us) / 1000;
    if (!over)
        (void)snprintf(text, cap, "alive after %.0f ms", ms);
    else if (WIFSIGNALED(p->status))
        (void)snprintf(text, cap, "killed by %s after %.0f ms", signal_name(WTERMSIG(p->status)),
                       ms);
    else
        (void)snprintf(text, cap, "exit %d after %.0f ms", WEXITSTATUS(p->status), ms);
    return text;
}

void process_signal(struct process *p, int signal)
{
    if (p->pidfd != -1 && !p->ended)
        (void)syscall(SYS_pidfd_send_signal, p->pidfd, signal, NULL, 0);
}

void process_end(struct process *p)
{
    pid_t tree[TREE_MAX];
    int64_t deadline = clock_us() + (int64_t)KILL_MS * 1000;
    while (p->pid > 0 && clock_us() < deadline) {
        unsigned n = process_tree(p, tree, TREE_MAX);
        for (unsigned i = 0; i < n; i++)
            (void)kill(tree[i], SIGKILL);
        (void)process_await_exit(p, n > 0 ? 1 : 0);
        for (unsigned i = 0; i < n; i++) {
            if (tree[i] != p->pid)
                (void)waitpid(tree[i], NULL, WNOHANG);
        }
        if (n == 0)
            break;
    }
    if (p->pid == 0)
        return;
    stop_reader(p);
    close_fd(&p->pidfd);
    close_fd(&p->output_fd);
    close_fd(&p->stop_fd);
    free(p->captured);
    (void)pthread_mutex_destroy(&p->lock);
    *p = (struct process){.pidfd = -1, .output_fd = -1, .stop_fd = -1};
}

/* ---- it listens ---- */

/* 2: on TCP, 1: on UDP only, 0: not at all. */
static int how_it_listens(const struct process *p, uint16_t port)
{
    bool foreign;
    if (ssp__listening(p->pid, SSP_TCP, port, &foreign) == 1)
        return 2;
    return p->role == SSP_SERVER && ssp__listening(p->pid, SSP_UDP, port, &foreign) == 1;
}

enum listening process_await_listening(struct process *p, uint16_t port, unsigned ms)
{
    int64_t deadline = clock_us() + (int64_t)ms * 1000, udp_since = 0;
    for (;;) {
        int how = how_it_listens(p, port);
        if (how == 1 && udp_since == 0)
            udp_since = clock_us();
        /* One that listens on both may begin with UDP. */
        if (how == 2 || (how == 1 && clock_us() - udp_since > (int64_t)UDP_GRACE_MS * 1000))
            return LISTENS;
        if (process_await_exit(p, POLL_MS))
            return EXITED;
        if (left_ms(deadline) == 0)
            return SILENT;
    }
}
