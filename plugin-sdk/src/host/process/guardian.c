/* SPDX-License-Identifier: Apache-2.0 */
/* guardian.c - the host's end: forks the guardian, sends orders, receives reports. */
#include "host/process/guardian.h"

#include "base/retry.h"
#include "host/process/guardian_main.h"
#include "host/process/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_END = 0, GUARDIAN_END = 1 };

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] != -1)
            (void)close(pair[i]);
        pair[i] = -1;
    }
}

/* Each order, and the end of the host, continues a guardian that is stopped: the kernel sends
 * SIGCONT with the rights that the host has at this moment, whatever it gives up later. */
static void continue_by_orders(int fd, pid_t guardian)
{
    (void)fcntl(fd, F_SETOWN, guardian);
    (void)fcntl(fd, F_SETSIG, SIGCONT);
    (void)fcntl(fd, F_SETFL, O_ASYNC);
}

int ssp__guardian_start(struct ssp__guardian *g, const struct ssp__guardian_plan *plan)
{
    int control[2] = {-1, -1}, output[2] = {-1, -1}, notify[2] = {-1, -1};
    *g = SSP_NO_GUARDIAN;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == -1 ||
        pipe2(output, O_CLOEXEC) == -1 || pipe2(notify, O_CLOEXEC) == -1)
        goto fail;
    g->pid = fork();
    if (g->pid == 0) {
        (void)close(control[HOST_END]);
        (void)close(output[0]);
        (void)close(notify[0]);
        ssp__guardian_main(plan, control[GUARDIAN_END], output[1], notify[1]);
    }
    if (g->pid == -1)
        goto fail;
    continue_by_orders(control[GUARDIAN_END], g->pid);
    g->control_fd = control[HOST_END];
    g->output_fd = output[0];
    g->notify_fd = notify[0];
    (void)fcntl(g->output_fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(g->notify_fd, F_SETFL, O_NONBLOCK);
    (void)close(control[GUARDIAN_END]);
    (void)close(output[1]);
    (void)close(notify[1]);
    return 0;

fail:
    close_pair(control);
    close_pair(output);
    close_pair(notify);
    return -1;
}

static void send_order(struct ssp__guardian *g, const struct ssp__guardian_order *order,
                       const struct ssp__handed *handed)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof handed->fd)];
    } rights;
    struct iovec body = {(void *)(uintptr_t)order, sizeof *order};
    struct msghdr m = {.msg_iov = &body, .msg_iovlen = 1};
    if (handed != NULL && handed->n > 0) {
        const size_t size = handed->n * sizeof *handed->fd;
        m.msg_control = rights.space;
        m.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(c), handed->fd, size);
    }
    ssize_t n = ssp__sendmsg(g->control_fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n == -1 && (errno != EAGAIN || order->what != SSP_ORDER_LOOK))
        (void)shutdown(g->control_fd, SHUT_RDWR); /* an order that is lost is waited for */
}

bool ssp__guardian_report(struct ssp__guardian *g, struct ssp__guardian_report *report)
{
    ssize_t n = ssp__recv(g->control_fd, report, sizeof *report, MSG_DONTWAIT);
    if (n == (ssize_t)sizeof *report)
        return true;
    if (n == -1 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS))
        return false; /* what is there stays there */
    *report = (struct ssp__guardian_report){.event = SSP_GUARDIAN_GONE, .error = ECHILD};
    return true;
}

void ssp__guardian_spawn(struct ssp__guardian *g, uint16_t port, const struct ssp__handed *listen)
{
    struct ssp__guardian_order order = {.what = SSP_ORDER_SPAWN, .port = port};
    send_order(g, &order, listen);
}

bool ssp__guardian_await_spawn(struct ssp__guardian *g, unsigned limit_ms,
                               struct ssp__guardian_report *report)
{
    uint64_t until_ms = ssp__wait_now_ms() + limit_ms;
    struct pollfd p = {.fd = g->control_fd, .events = POLLIN};
    for (int left; (left = ssp__wait_left(until_ms)) > 0;) {
        if (poll(&p, 1, left) == -1)
            return false; /* the loop serves the signal: it may be the end */
        if (p.revents == 0 || !ssp__guardian_report(g, report))
            continue;
        if (report->event == SSP_GUARDIAN_STARTED || report->event == SSP_GUARDIAN_REFUSED ||
            report->event == SSP_GUARDIAN_GONE)
            return true;
    }
    return false;
}

static void ask(struct ssp__guardian *g, enum ssp__guardian_command what)
{
    struct ssp__guardian_order order = {.what = what};
    send_order(g, &order, NULL);
}

void ssp__guardian_look(struct ssp__guardian *g)
{
    ask(g, SSP_ORDER_LOOK);
}

void ssp__guardian_reload(struct ssp__guardian *g)
{
    ask(g, SSP_ORDER_RELOAD);
}

void ssp__guardian_retire(struct ssp__guardian *g)
{
    ask(g, SSP_ORDER_RETIRE);
}

void ssp__guardian_end(struct ssp__guardian *g, bool gracefully)
{
    ask(g, gracefully ? SSP_ORDER_STOP : SSP_ORDER_KILL);
}

static void close_fd(int fd)
{
    if (fd != -1)
        (void)close(fd);
}

bool ssp__guardian_release(struct ssp__guardian *g, uint64_t kill_ms, uint64_t until_ms)
{
    close_fd(g->control_fd); /* the guardian then ends */
    close_fd(g->output_fd);
    close_fd(g->notify_fd);
    bool ended = g->pid <= 0 || ssp__wait_exit(g->pid, kill_ms);
    if (!ended) {
        (void)kill(g->pid, SIGKILL);
        (void)ssp__wait_exit(g->pid, until_ms);
    }
    *g = SSP_NO_GUARDIAN;
    return ended;
}
