/* SPDX-License-Identifier: Apache-2.0 */
#include "check/far_end.h"

#include "base/retry.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void hear(struct watch *watch, short revents)
{
    uint8_t bytes[4096];
    struct far_conn *conn = (struct far_conn *)(void *)watch;
    ssize_t n = ssp__recv(watch->fd, bytes, sizeof bytes, 0);
    (void)revents;
    if (n > 0)
        conn->far->bytes += (unsigned)n;
    else if (n == 0 || errno != EAGAIN)
        watch->events = 0;
}

static void welcome(struct watch *watch, short revents)
{
    struct far_end *far = (struct far_end *)(void *)watch;
    int fd = scene_accept(watch->fd);
    (void)revents;
    if (fd == -1)
        return;
    if (far->conns == FAR_MAX) {
        (void)close(fd);
        return;
    }
    struct far_conn *conn = &far->conn[far->conns++];
    *conn = (struct far_conn){.watch = {.fd = fd, .events = POLLIN, .due_us = NEVER, .act = hear},
                              .far = far};
    scene_add(far->scene, &conn->watch);
}

void far_end_open(struct far_end *far, struct scene *scene, const char *host, uint16_t port)
{
    struct ssp__address a;
    far->scene = scene;
    int fd = ssp__address_parse(&a, host, port) == 0 ? scene_listen_at(&a, SOCK_STREAM) : -1;
    far->watch = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = welcome};
    if (fd != -1)
        scene_add(scene, &far->watch);
}

void far_end_close(struct far_end *far)
{
    if (far->scene == NULL)
        return;
    scene_remove(far->scene, &far->watch);
    for (unsigned i = 0; i < far->conns; i++)
        scene_remove(far->scene, &far->conn[i].watch);
    *far = (struct far_end){.scene = NULL};
}
