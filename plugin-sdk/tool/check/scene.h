/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene.h - the poll loop of a check: a table of watches.
 *
 * One scene per check, one thread, no state outside of it.  Times are microseconds of the monotonic
 * clock.  All sockets are non-blocking and close-on-exec.  When memory is out the
 * process ends with SSP_EXIT_OS: a check is a process of its own and has nothing to save.
 */
#ifndef SSP_CHECK_SCENE_H
#define SSP_CHECK_SCENE_H

#include "base/address.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEVER UINT64_MAX

enum { BACKLOG = 4096 }; /* a short one loses connections of the harness itself */

/* A descriptor and a deadline, embedded in the struct of their owner. */
struct watch {
    int fd;          /* -1: none; owned by the watch */
    short events;    /* POLLIN, POLLOUT; 0: not even the end of the connection is noticed */
    uint64_t due_us; /* NEVER: no deadline; passed ones come once, and are NEVER then */
    /* Something is ready, or revents is 0 and the deadline has passed.  May add and remove watches,
     * itself too. */
    void (*act)(struct watch *watch, short revents);
    size_t place; /* set by the scene */
};

struct scene {
    struct watch **watch; /* NULL: removed */
    struct pollfd *poll;
    size_t watches, cap;
};

void scene_open(struct scene *scene);
void scene_close(struct scene *scene); /* all watches must be removed */

void scene_add(struct scene *scene, struct watch *watch);
void scene_remove(struct scene *scene, struct watch *watch); /* closes its descriptor */

typedef bool scene_test_fn(void *arg);

/* Runs until test(arg) holds, asked after each turn, or limit_ms is over.  NULL: never holds.
 * Returns whether it did. */
bool scene_run(struct scene *scene, unsigned limit_ms, scene_test_fn *test, void *arg);

uint64_t now_us(void);

/* Ends the program with a line. */
_Noreturn void out_of_memory(void);

/* Zeroed memory. */
void *must_alloc(size_t n, size_t size);

/* A listening socket on a free port.  Returns it, or -1 with errno. */
int scene_listen(uint16_t *port);

/* A socket whose connection to port is under way.  Returns it, or -1 with errno. */
int scene_dial(uint16_t port);

/* The same at an address, for a socket of type; the same results. */
int scene_listen_at(const struct ssp__address *a, int type);
int scene_dial_to(const struct ssp__address *a);

/* Accepts one connection, or returns -1. */
int scene_accept(int listener);

/* Acknowledges at once what was read: a plugin that has left Nagle's algorithm on must not be kept
 * waiting for a delayed acknowledgement of ours. */
void scene_acknowledge(int fd);

/* The next close() of fd becomes a reset. */
void scene_abort(int fd);

#endif
