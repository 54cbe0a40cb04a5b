/* SPDX-License-Identifier: Apache-2.0 */
#include "check/scene.h"

#include <ssplugin/env.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PARTS_FIRST = 64, US = 1000, TURN_MAX_MS = 1000 };

uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void out_of_memory(void)
{
    (void)fputs("ss-plugin: out of memory\n", stderr);
    _exit(SSP_EXIT_OS);
}

void *must_alloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p == NULL)
        out_of_memory();
    return p;
}

void scene_open(struct scene *scene)
{
    *scene = (struct scene){0};
}

void scene_close(struct scene *scene)
{
    free(scene->watch);
    free(scene->poll);
    *scene = (struct scene){0};
}

static void grow(struct scene *scene)
{
    size_t cap = scene->cap == 0 ? PARTS_FIRST : scene->cap * 2;
    struct watch **watch = realloc(scene->watch, cap * sizeof(struct watch *));
    struct pollfd *polled = realloc(scene->poll, cap * sizeof *polled);
    if (watch == NULL || polled == NULL)
        out_of_memory();
    scene->watch = watch;
    scene->poll = polled;
    scene->cap = cap;
}

void scene_add(struct scene *scene, struct watch *watch)
{
    if (scene->watches == scene->cap)
        grow(scene);
    watch->place = scene->watches;
    scene->watch[scene->watches++] = watch;
}

void scene_remove(struct scene *scene, struct watch *watch)
{
    if (watch->fd != -1)
        (void)close(watch->fd);
    watch->fd = -1;
    if (watch->place < scene->watches && scene->watch[watch->place] == watch)
        scene->watch[watch->place] = NULL;
}

static void compact(struct scene *scene)
{
    size_t kept = 0;
    for (size_t i = 0; i < scene->watches; i++) {
        if (scene->watch[i] == NULL)
            continue;
        scene->watch[kept] = scene->watch[i];
        scene->watch[kept]->place = kept;
        kept++;
    }
    scene->watches = kept;
}

/* Fills the poll list and returns when the first deadline is. */
static uint64_t prepare(struct scene *scene)
{
    uint64_t due = NEVER;
    for (size_t i = 0; i < scene->watches; i++) {
        const struct watch *p = scene->watch[i];
        scene->poll[i] = (struct pollfd){p->events != 0 ? p->fd : -1, p->events, 0};
        if (p->due_us < due)
            due = p->due_us;
    }
    return due;
}

/* New watches are appended, so the places of this turn stay what they are. */
static void deliver(struct scene *scene, size_t watches)
{
    for (size_t i = 0; i < watches; i++) {
        struct watch *p = scene->watch[i];
        if (p != NULL && scene->poll[i].revents != 0)
            p->act(p, scene->poll[i].revents);
    }
    uint64_t now = now_us();
    for (size_t i = 0; i < watches; i++) {
        struct watch *p = scene->watch[i];
        if (p == NULL || p->due_us > now)
            continue;
        p->due_us = NEVER;
        p->act(p, 0);
    }
}

static void turn(struct scene *scene, uint64_t end_us)
{
    compact(scene);
    size_t watches = scene->watches;
    uint64_t due = prepare(scene), now = now_us();
    if (end_us < due)
        due = end_us;
    uint64_t wait = due > now ? due - now : 0;
    if (wait > (uint64_t)TURN_MAX_MS * US)
        wait = (uint64_t)TURN_MAX_MS * US;
    struct timespec t = {(time_t)(wait / 1000000), (long)(wait % 1000000) * 1000};
    if (ppoll(scene->poll, watches, &t, NULL) == -1)
        return; /* interrupted: the result of poll is void */
    deliver(scene, watches);
}

bool scene_run(struct scene *scene, unsigned limit_ms, scene_test_fn *test, void *arg)
{
    uint64_t end = now_us() + (uint64_t)limit_ms * US;
    for (;;) {
        if (test != NULL && test(arg))
            return true;
        if (now_us() >= end)
            return false;
        turn(scene, end);
    }
}

static int open_socket(const struct ssp__address *a, int type)
{
    int fd = socket(a->u.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd != -1 && type == SOCK_STREAM)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static int give_up(int fd)
{
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static struct ssp__address loopback(uint16_t port)
{
    struct ssp__address a;
    (void)ssp__address_parse(&a, "127.0.0.1", port);
    return a;
}

int scene_listen_at(const struct ssp__address *a, int type)
{
    int fd = open_socket(a, type);
    if (fd == -1)
        return -1;
    if (ssp__address_port(a) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, &a->u.any, a->len) == -1 || (type == SOCK_STREAM && listen(fd, BACKLOG) == -1))
        return give_up(fd);
    return fd;
}

int scene_listen(uint16_t *port)
{
    struct ssp__address a = loopback(0);
    socklen_t len = sizeof a.u;
    int fd = scene_listen_at(&a, SOCK_STREAM);
    if (fd == -1)
        return -1;
    if (getsockname(fd, &a.u.any, &len) == -1)
        return give_up(fd);
    *port = ssp__address_port(&a);
    return fd;
}

int scene_dial_to(const struct ssp__address *a)
{
    int fd = open_socket(a, SOCK_STREAM);
    if (fd == -1)
        return -1;
    if (connect(fd, &a->u.any, a->len) == -1 && errno != EINPROGRESS)
        return give_up(fd);
    return fd;
}

int scene_dial(uint16_t port)
{
    struct ssp__address a = loopback(port);
    return scene_dial_to(&a);
}

int scene_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd != -1)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

void scene_acknowledge(int fd)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
}

void scene_abort(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
}
