/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "net/stream.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_TURN = 64,
    REST_MS = 100,      /* out of descriptors or memory */
    LOG_EVERY_MS = 1000 /* at most one line a second about it */
};

struct ssp__listener {
    ssp_loop *loop;
    struct ssp__stream stream; /* the listening socket; only its interest is used */
    struct ssp__timer rest;
    uint64_t logged_ms;
    ssp__accept_fn *on_accept;
    void *arg;
    bool paused;
};

static void wake(void *arg)
{
    struct ssp__listener *l = arg;
    if (!ssp__stream_want(&l->stream, !l->paused, false))
        ssp__timer_start(l->loop, &l->rest, REST_MS);
}

/* accept4 fails until descriptors are free again: spinning on it would cost a core. */
static void rest(struct ssp__listener *l, int error)
{
    uint64_t now = ssp__loop_now_ms(l->loop);
    if (now - l->logged_ms >= LOG_EVERY_MS) {
        l->logged_ms = now;
        ssp_error("accept: %s; new connections wait (raise the limit with -n)", strerror(error));
    }
    (void)ssp__stream_want(&l->stream, false, false);
    ssp__timer_start(l->loop, &l->rest, REST_MS);
}

static bool out_of_resources(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_ready(void *arg)
{
    struct ssp__listener *l = arg;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(l->stream.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1)
            l->on_accept(l->arg, fd);
        else if (out_of_resources(errno))
            return rest(l, errno);
        else if (errno == EAGAIN || errno == EINVAL || errno == EBADF)
            return;
    }
}

struct ssp__listener *ssp__listener_open(ssp_loop *loop, int fd, ssp__accept_fn *on_accept,
                                         void *arg)
{
    struct ssp__listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)close(fd);
        return NULL;
    }
    *l = (struct ssp__listener){.loop = loop, .on_accept = on_accept, .arg = arg};
    l->rest.fire = wake;
    l->rest.arg = l;
    l->stream.on_readable = accept_ready;
    l->stream.arg = l;
    ssp__stream_open(&l->stream, loop, fd);
    if (ssp__stream_want(&l->stream, true, false))
        return l;
    ssp__listener_close(l);
    errno = ENOMEM;
    return NULL;
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
