/* SPDX-License-Identifier: Apache-2.0 */
#include "check/intruder.h"

#include "base/retry.h"
#include "check/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_WITHIN_US = 50000, ASK_US = 200 };

static void out(struct intruder *intruder)
{
    intruder->over = true;
    intruder->over_us = now_us();
    intruder->watch.events = 0;
}

/* Bounded, so that a plugin that does not read is tested all the same. */
static bool paused(struct intruder *intruder)
{
    if (intruder->pause == 0 || intruder->sent != intruder->pause)
        return false;
    uint64_t now = now_us();
    if (intruder->asked_us == 0)
        intruder->asked_us = now;
    if (now - intruder->asked_us >= READ_WITHIN_US ||
        reader_count(intruder->diag, intruder->watch.fd) >= (int64_t)intruder->sent)
        return false;
    intruder->watch.due_us = now + ASK_US;
    intruder->watch.events = POLLIN;
    return true;
}

static void speak(struct intruder *intruder)
{
    while (intruder->sent < intruder->len) {
        size_t end = intruder->sent < intruder->pause && intruder->pause < intruder->len
                         ? intruder->pause
                         : intruder->len;
        if (paused(intruder))
            return;
        ssize_t n = ssp__send(intruder->watch.fd, intruder->bytes + intruder->sent,
                              end - intruder->sent, MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN)
            out(intruder);
        if (n == -1)
            return;
        intruder->sent += (size_t)n;
    }
    intruder->watch.events = POLLIN;
    if (intruder->fin)
        (void)shutdown(intruder->watch.fd, SHUT_WR);
    intruder->fin = false;
}

static void hear(struct intruder *intruder)
{
    uint8_t block[4096];
    ssize_t n = ssp__recv(intruder->watch.fd, block, sizeof block, 0);
    if (n > 0)
        intruder->heard += (uint64_t)n;
    else if (n == 0 || errno != EAGAIN)
        out(intruder);
}

static void act(struct watch *watch, short revents)
{
    struct intruder *intruder = (struct intruder *)(void *)watch; /* its first member */
    if (intruder->connecting)
        intruder->begun_us = now_us();
    intruder->connecting = false;
    if ((revents & (POLLIN | POLLERR | POLLHUP)) != 0)
        hear(intruder);
    if (!intruder->over)
        speak(intruder);
}

void intruder_open(struct intruder *intruder, struct scene *scene, uint16_t port,
                   const uint8_t *bytes, size_t n)
{
    *intruder = (struct intruder){.scene = scene, .len = n, .connecting = true};
    intruder->bytes = must_alloc(n + 1, 1);
    if (n > 0)
        memcpy(intruder->bytes, bytes, n);
    intruder->watch = (struct watch){
        .fd = scene_dial(port), .events = POLLIN | POLLOUT, .due_us = NEVER, .act = act};
    if (intruder->watch.fd == -1)
        out(intruder);
    scene_add(scene, &intruder->watch);
}

void intruder_close(struct intruder *intruder)
{
    if (intruder->scene == NULL)
        return;
    scene_remove(intruder->scene, &intruder->watch);
    free(intruder->bytes);
    *intruder = (struct intruder){.watch.fd = -1};
}

/* ---- many ---- */

bool intruders_connected(void *arg)
{
    const struct intruders *intruders = arg;
    for (unsigned i = 0; i < intruders->n; i++) {
        const struct intruder *one = &intruders->intruder[i];
        if (!one->over && (one->connecting || one->sent < one->len))
            return false;
    }
    return true;
}

bool intruders_over(void *arg)
{
    const struct intruders *intruders = arg;
    for (unsigned i = 0; i < intruders->n; i++) {
        if (!intruders->intruder[i].over)
            return false;
    }
    return true;
}

void intruders_close(struct intruders *intruders)
{
    for (unsigned i = 0; i < intruders->n; i++)
        intruder_close(&intruders->intruder[i]);
    free(intruders->intruder);
    *intruders = (struct intruders){0};
}
