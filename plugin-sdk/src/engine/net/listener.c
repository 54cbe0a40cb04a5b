/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "net/stream.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_MAX = 64,    /* in one turn */
    DOUBLE_AFTER = 2,    /* turns with new connections, until twice as many are taken in one */
    FAILURES = 8,        /* in succession: more would be a loop */
    REST_MS = 100,       /* after errors, until the next try */
    LOG_EVERY_MS = 10000 /* at most one line in that time about each listener */
};

struct ssp__listener {
    ssp_loop *loop;
    struct ssp__stream stream; /* the listening socket; only its interest is used */
    struct ssp__timer rest;
    uint64_t logged_ms;
    ssp__accept_fn *on_accept;
    ssp__short_fn *on_short;
    void *arg;
    uint32_t turn;   /* the last one that had new connections */
    unsigned streak; /* such turns in succession that left some, as far as is known */
    bool paused;
};

static void wake(void *arg)
{
    struct ssp__listener *l = arg;
    if (!ssp__stream_want(&l->stream, !l->paused, false))
        ssp__timer_start(l->loop, &l->rest, REST_MS);
}

static bool out_of_resources(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* The socket stays readable: to go on would cost a core. */
static void rest(struct ssp__listener *l, int error)
{
    uint64_t now = ssp__loop_now_ms(l->loop);
    if (l->logged_ms == 0 || now - l->logged_ms >= LOG_EVERY_MS) {
        l->logged_ms = now;
        ssp_error("accept: %s; new connections wait%s", strerror(error),
                  out_of_resources(error) ? " (raise the limit with -n)" : "");
    }
    (void)ssp__stream_want(&l->stream, false, false);
    ssp__timer_start(l->loop, &l->rest, REST_MS);
}

/* Errors of one connection, which is gone from the queue then; the others are of the socket. */
static bool of_a_connection(int error)
{
    static const int errors[] = {ECONNABORTED, EINTR,      EPERM,       EPROTO,
                                 ENOPROTOOPT,  ENETDOWN,   EHOSTDOWN,   ENONET,
                                 EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i] == error)
            return true;
    }
    return false;
}

static bool found_room(const struct ssp__listener *l, int error)
{
    return out_of_resources(error) && l->on_short != NULL && l->on_short(l->arg);
}

/* One as a rule: to ask for more, and hear that there is none, costs as much.  A queue that is
 * there turn after turn gets shorter faster and faster. */
static unsigned accepts(struct ssp__listener *l)
{
    uint32_t turn = ssp__loop_turns(l->loop);
    l->streak = turn - l->turn == 1 ? l->streak + 1 : 0;
    l->turn = turn;
    unsigned doubled = l->streak / DOUBLE_AFTER;
    return doubled < 6 ? 1U << doubled : ACCEPTS_MAX;
}

static void accept_ready(void *arg)
{
    struct ssp__listener *l = arg;
    const unsigned most = accepts(l);
    for (unsigned taken = 0, failures = 0; taken < most;) {
        struct ssp__address peer = {.len = sizeof peer.u};
        int fd = accept4(l->stream.fd, &peer.u.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1) {
            failures = 0;
            taken++;
            l->on_accept(l->arg, fd, &peer);
        } else if (errno == EAGAIN) {
            l->streak = 0;
            return;
        } else if (++failures >= FAILURES || !(of_a_connection(errno) || found_room(l, errno))) {
            return rest(l, errno);
        }
    }
}

struct ssp__listener *ssp__listener_open(ssp_loop *loop, int fd, ssp__accept_fn *on_accept,
                                         ssp__short_fn *on_short, void *arg)
{
    static const struct ssp__reaction reaction = {.readable = accept_ready};
    struct ssp__listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)close(fd);
        return NULL;
    }
    *l = (struct ssp__listener){
        .loop = loop, .on_accept = on_accept, .on_short = on_short, .arg = arg};
    l->rest.fire = wake;
    l->rest.arg = l;
    l->stream.interest = (struct ssp__interest){.reaction = &reaction, .arg = l};
    ssp__stream_open(&l->stream, loop, fd);
    l->stream.interest.edges = false;
    if (ssp__stream_want(&l->stream, true, false))
        return l;
    ssp__listener_close(l);
    errno = ENOMEM;
    return NULL;
}

int ssp__listener_share(const struct ssp__listener *l)
{
    return fcntl(l->stream.fd, F_DUPFD_CLOEXEC, 0);
}

int ssp__listener_fd(const struct ssp__listener *l)
{
    return l->stream.fd;
}

void ssp__listener_pause(struct ssp__listener *l, bool pause)
{
    l->paused = pause;
    if (l->rest.lane == NULL)
        wake(l);
}

void ssp__listener_close(struct ssp__listener *l)
{
    if (l == NULL)
        return;
    ssp__timer_stop(&l->rest);
    ssp__stream_close(&l->stream);
    free(l);
}
