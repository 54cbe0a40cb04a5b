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

struct ssp_listener {
    struct ssp_loop *loop;
    struct ssp_stream stream; /* the listening socket; only its interest is used */
    struct ssp_timer rest;
    uint64_t logged_ms;
    ssp_accept_fn *on_accept;
    void *arg;
    bool paused;
};

static void wake(void *arg)
{
    struct ssp_listener *l = arg;
    ssp_stream_want(&l->stream, !l->paused, false);
}

/* accept4 fails until descriptors are free again: spinning on it would cost a core. */
static void rest(struct ssp_listener *l, int error)
{
    uint64_t now = ssp_loop_now_ms(l->loop);
    if (now - l->logged_ms >= LOG_EVERY_MS) {
        l->logged_ms = now;
        ssp_error("accept: %s; new connections wait (raise the limit with -n)", strerror(error));
    }
    ssp_stream_want(&l->stream, false, false);
    ssp_timer_start(l->loop, &l->rest, REST_MS);
}

static bool out_of_resources(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_ready(void *arg)
{
    struct ssp_listener *l = arg;
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

struct ssp_listener *ssp_listener_open(struct ssp_loop *loop, int fd, ssp_accept_fn *on_accept,
                                       void *arg)
{
    struct ssp_listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)close(fd);
        return NULL;
    }
    *l = (struct ssp_listener){.loop = loop, .on_accept = on_accept, .arg = arg};
    l->rest.fire = wake;
    l->rest.arg = l;
    l->stream.on_readable = accept_ready;
    l->stream.arg = l;
    ssp_stream_open(&l->stream, loop, fd);
    ssp_stream_want(&l->stream, true, false);
    return l;
}

void ssp_listener_pause(struct ssp_listener *l, bool pause)
{
    l->paused = pause;
    if (l->rest.lane == NULL)
        ssp_stream_want(&l->stream, !pause, false);
}

void ssp_listener_close(struct ssp_listener *l)
{
    if (l == NULL)
        return;
    ssp_timer_stop(&l->rest);
    ssp_stream_close(&l->stream);
    free(l);
}
