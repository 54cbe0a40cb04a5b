/* SPDX-License-Identifier: Apache-2.0 */
#include "app/takeover.h"

#include "app/descriptors.h"
#include "app/orders.h"
#include "app/process.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_MAX = 65536, WHY_MAX = 512 };

/* Returns what is wrong, or NULL. */
static const char *read_greeting(const struct ss_takeover *t, struct ss_handover_greeting *g)
{
    ssize_t n;
    do {
        n = recv(t->fd, g, sizeof *g, MSG_WAITALL);
    } while (n == -1 && errno == EINTR);
    if (n == -1)
        return errno == EAGAIN ? "it does not answer: see its log, or restart it" : strerror(errno);
    if (n == 0)
        return "it has ended, or has no place for more callers: try again";
    if (n != (ssize_t)sizeof *g || strncmp(g->mark, SS_HANDOVER_MARK, sizeof g->mark) != 0 ||
        g->sockets > SOCKETS_MAX)
        return "it speaks another version; restart it";
    if (strncmp(g->program, ss_programs[t->program].name, sizeof g->program) != 0)
        return "it is another program; name another control";
    g->refusal[sizeof g->refusal - 1] = '\0';
    return g->refusal[0] != '\0' ? g->refusal : NULL;
}

/* The service manager listens to this process once it is the main one. */
static void take_service(const struct ss_handover_greeting *g)
{
    if (g->notify_socket[0] == '\0' || memchr(g->notify_socket, 0, sizeof g->notify_socket) == NULL)
        return;
    (void)setenv("NOTIFY_SOCKET", g->notify_socket, 0);
    (void)unsetenv("WATCHDOG_PID");
    if (g->watchdog_usec[0] != '\0' && memchr(g->watchdog_usec, 0, sizeof g->watchdog_usec) != NULL)
        (void)setenv("WATCHDOG_USEC", g->watchdog_usec, 0);
}

static const char *take_sockets(struct ss_takeover *t, uint32_t n)
{
    int *fd = calloc(n, sizeof *fd);
    const char *why = fd != NULL || n == 0 ? NULL : "out of memory";
    if (why == NULL && ss_descriptors_receive(t->fd, fd, n) == -1)
        why = errno == EPROTO   ? "not all of them have come: see its log"
              : errno == EMFILE ? "they are more than the limit of open files: raise it, see nofile"
                                : strerror(errno);
    if (why == NULL && n > 0 && ss_activation_offer(&t->process->activation, fd, n) == -1)
        why = "out of memory";
    free(fd);
    return why;
}

int ss_takeover_begin(struct ss_takeover *t, struct ss_process *process, const struct ss_conf *c)
{
    struct ss_handover_greeting greeting;
    char sentence[WHY_MAX];
    int fd = ss_order_send(c->control, SS_ORDER_TAKE_OVER, sentence, sizeof sentence);
    if (fd == -1) {
        ssp_error("take-over: %s", sentence);
        return -1;
    }
    *t = (struct ss_takeover){.process = process, .program = t->program, .done = t->done, .fd = fd};
    const char *why = read_greeting(t, &greeting);
    if (why == NULL)
        why = take_sockets(t, greeting.sockets);
    if (why != NULL) {
        ssp_error("take-over: the process at %s gives no sockets, and goes on: %s", c->control,
                  why);
        return -1;
    }
    t->from = greeting.pid;
    take_service(&greeting);
    return 0;
}

bool ss_takeover_waits(const struct ss_takeover *t)
{
    return t->process != NULL && t->watch == NULL;
}

/* A process that has died has left its place, too. */
static void answered(void *arg)
{
    struct ss_takeover *t = arg;
    struct ss_process *process = t->process;
    char byte = 0, why[WHY_MAX];
    if (recv(t->fd, &byte, 1, MSG_DONTWAIT) == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (byte == SS_LATE) {
        ssp_error("take-over: process %d did not wait so long, and goes on: start this one again, "
                  "with a longer plugin_ready there",
                  (int)t->from);
        ssp__program_stop(&process->program, SS_EXIT_FATAL);
        return;
    }
    ssp_info("process %d has %s: this one serves in its place", (int)t->from,
             byte == SS_YOURS ? "stopped accepting" : "ended");
    if (ssp__daemon_succeed(&process->daemon, why, sizeof why) == -1)
        ssp_error("%s", why);
    void (*done)(struct ss_process *) = t->done;
    ss_takeover_close(t);
    done(process);
}

void ss_takeover_finish(struct ss_takeover *t)
{
    const char ready = SS_READY;
    t->watch = ssp__watch_open(t->process->program.loop, t->fd, answered, t);
    if (t->watch != NULL && send(t->fd, &ready, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
        return;
    if (t->watch != NULL)
        return; /* the other process has ended, which the watch tells */
    ssp_error("take-over: out of memory");
    ssp__program_stop(&t->process->program, SS_EXIT_FATAL);
}

void ss_takeover_close(struct ss_takeover *t)
{
    if (t->process == NULL)
        return;
    ssp__watch_close(t->watch);
    (void)close(t->fd);
    *t = (struct ss_takeover){.process = NULL};
}
