/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/worker.h"

#include "relay/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    POOL_KEEP = 8 << 20,
    /* Output of one turn: a window of input, its framing, and what one more call may need. */
    OUT_SIZE = (int)SSP_WINDOW + 128 * 1024
};

struct ssp__worker *ssp__worker_new(ssp_loop *loop, struct ssp__resolver *resolver)
{
    struct ssp__worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->loop = loop;
    w->resolver = resolver;
    w->world = *ssp_world_real();
    ssp__pool_init(&w->pool, POOL_KEEP);
    w->in = malloc(SSP_WINDOW);
    w->out = malloc(OUT_SIZE);
    if (w->in == NULL || w->out == NULL) {
        ssp__worker_free(w);
        return NULL;
    }
    w->io.out = w->out;
    w->io.out_cap = OUT_SIZE;
    w->io.pool = &w->pool;
    return w;
}

static void pipe_close(struct ssp__pipe *pipe)
{
    (void)close(pipe->read_fd);
    (void)close(pipe->write_fd);
    free(pipe);
}

void ssp__worker_free(struct ssp__worker *w)
{
    if (w == NULL)
        return;
    while (w->sessions != NULL)
        ssp__session_abort(w->sessions);
    while (w->pipes != NULL) {
        struct ssp__pipe *pipe = w->pipes;
        w->pipes = pipe->next;
        pipe_close(pipe);
    }
    ssp__peer_limit_free(w->crowd);
    ssp__pool_drain(&w->pool);
    free(w->in);
    free(w->out);
    free(w);
}

struct ssp__pipe *ssp__pipe_take(struct ssp__worker *w)
{
    struct ssp__pipe *pipe = w->pipes;
    if (pipe != NULL) {
        w->pipes = pipe->next;
        w->idle_pipes--;
        return pipe;
    }
    int fd[2];
    pipe = calloc(1, sizeof *pipe);
    if (pipe == NULL || pipe2(fd, O_NONBLOCK | O_CLOEXEC) == -1) {
        free(pipe);
        return NULL;
    }
    pipe->read_fd = fd[0];
    pipe->write_fd = fd[1];
    /* Beyond the user's share the kernel refuses: the pipe then works with its default size. */
    (void)fcntl(fd[1], F_SETPIPE_SZ, SSP_PIPE_SIZE);
    return pipe;
}

void ssp__pipe_give(struct ssp__worker *w, struct ssp__pipe *pipe)
{
    if (pipe == NULL)
        return;
    if (pipe->held > 0 || w->idle_pipes >= SSP_PIPES_KEPT) {
        pipe_close(pipe);
        return;
    }
    pipe->next = w->pipes;
    w->pipes = pipe;
    w->idle_pipes++;
}
