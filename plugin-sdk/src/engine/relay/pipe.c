/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pipe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void pipe_free(struct ssp__pipe *pipe)
{
    (void)close(pipe->read_fd);
    (void)close(pipe->write_fd);
    free(pipe);
}

struct ssp__pipe *ssp__pipe_take(struct ssp__pipes *pipes)
{
    struct ssp__pipe *pipe = pipes->idle;
    if (pipe != NULL) {
        pipes->idle = pipe->next;
        pipes->n--;
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

void ssp__pipe_give(struct ssp__pipes *pipes, struct ssp__pipe *pipe)
{
    if (pipe == NULL)
        return;
    if (pipe->held > 0 || pipes->n >= SSP_PIPES_KEPT) {
        pipe_free(pipe);
        return;
    }
    pipe->next = pipes->idle;
    pipes->idle = pipe;
    pipes->n++;
}

void ssp__pipes_close(struct ssp__pipes *pipes)
{
    while (pipes->idle != NULL) {
        struct ssp__pipe *pipe = pipes->idle;
        pipes->idle = pipe->next;
        pipe_free(pipe);
    }
    pipes->n = 0;
}
