/* SPDX-License-Identifier: Apache-2.0 */
#include "between.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { BLOCK = 4096, WAIT_MS = 10000 };

/* The relay has no queue: it waits, with its whole scene, until all is written. */
static void write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent == -1 && errno != EAGAIN)
            return;
        if (sent == -1) {
            (void)poll(&p, 1, WAIT_MS);
            continue;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
}

static int sink_of(const struct passage *from)
{
    const struct link_between *link = from->link;
    const struct between *between = link->between;
    bool up = from == &link->side[0];
    if (between->flaw == CROSSES && !up && between->links == 2)
        link = link == &between->link[0] ? &between->link[1] : &between->link[0];
    return link->side[up].watch.fd;
}

/* Does to the block, which has room for one byte more, what the flaw says.  Returns its length. */
static size_t spoil(const struct passage *from, uint8_t *bytes, size_t n)
{
    const struct between *between = from->link->between;
    bool up = from == &from->link->side[0];
    if (between->at < from->moved || between->at >= from->moved + n)
        return n;
    size_t i = (size_t)(between->at - from->moved);
    if (between->flaw == (up ? FLIPS_UP : FLIPS_DOWN))
        bytes[i] ^= 1;
    if (up)
        return n;
    if (between->flaw == LOSES_DOWN) {
        memmove(bytes + i, bytes + i + 1, n - i - 1);
        return n - 1;
    }
    if (between->flaw == SWAPS_DOWN && i + 1 < n) {
        uint8_t first = bytes[i];
        bytes[i] = bytes[i + 1];
        bytes[i + 1] = first;
    }
    return between->flaw == CUTS_SHORT ? i : n;
}

static void end_passage(struct passage *from)
{
    const struct between *between = from->link->between;
    bool up = from == &from->link->side[0];
    from->ended = true;
    from->watch.events = 0;
    if (between->flaw == ADDS_ONE && !up)
        write_all(sink_of(from), (const uint8_t *)"!", 1);
    (void)shutdown(sink_of(from), between->flaw == FULL_CLOSE ? SHUT_RDWR : SHUT_WR);
    if (between->flaw == FULL_CLOSE)
        (void)shutdown(from->watch.fd, SHUT_RDWR);
}

static void pass(struct watch *watch, short revents)
{
    struct passage *from = (struct passage *)(void *)watch; /* its first member */
    uint8_t bytes[BLOCK];
    (void)revents;
    ssize_t n = recv(watch->fd, bytes, sizeof bytes, 0);
    if (n == -1 && errno == EAGAIN)
        return;
    if (n <= 0) {
        end_passage(from);
        return;
    }
    size_t len = spoil(from, bytes, (size_t)n);
    write_all(sink_of(from), bytes, len);
    from->moved += (uint64_t)n;
    if (from->link->between->flaw == CUTS_SHORT && len < (size_t)n)
        end_passage(from);
}

static void link_up(struct watch *watch, short revents)
{
    struct between *between = (struct between *)(void *)watch; /* its first member */
    (void)revents;
    int fd = scene_accept(watch->fd);
    if (fd == -1)
        return;
    assert_true(between->links < BETWEEN_LINKS);
    struct link_between *link = &between->link[between->links++];
    link->between = between;
    for (int i = 0; i < 2; i++) {
        link->side[i] = (struct passage){.watch = {.fd = i == 0 ? fd : scene_dial(between->target),
                                                   .events = POLLIN,
                                                   .due_us = NEVER,
                                                   .act = pass},
                                         .link = link};
        assert_int_not_equal(link->side[i].watch.fd, -1);
        scene_add(between->scene, &link->side[i].watch);
    }
}

void between_open(struct between *between, struct scene *scene, uint16_t target, enum flaw flaw,
                  uint64_t at)
{
    *between = (struct between){.scene = scene, .target = target, .flaw = flaw, .at = at};
    int fd = scene_listen(&between->port);
    assert_int_not_equal(fd, -1);
    between->watch = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = link_up};
    scene_add(scene, &between->watch);
}

void between_close(struct between *between)
{
    for (unsigned i = 0; i < between->links; i++) {
        scene_remove(between->scene, &between->link[i].side[0].watch);
        scene_remove(between->scene, &between->link[i].side[1].watch);
    }
    scene_remove(between->scene, &between->watch);
}
