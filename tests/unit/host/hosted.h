/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosted.h - a shell script under the public host, and what is heard of it.
 */
#ifndef HOSTED_H
#define HOSTED_H

#include <ssplugin/host.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TURN_MS = 20, TURNS = 1500, WHY_MAX = 1024 };

struct hosted {
    ssp_loop *loop;
    ssp_host *host;
    ssp_host_conf conf; /* for the test to change before hosted_start() */
    unsigned ready, downs;
    bool dead, declares; /* declares: ready as soon as a line comes */
    char why[WHY_MAX];
    char said[8192]; /* lines, each ended by '|' */
};

/* /bin/sh as a client that is ready when somebody says so; argv is borrowed. */
struct hosted *hosted_new(const char *const *argv);

void hosted_start(struct hosted *h);
void hosted_free(struct hosted *h);

#define UNTIL(h, condition)                                                                        \
    for (int turns = 0; !(condition); turns++) {                                                   \
        if (turns == TURNS)                                                                        \
            fail_msg("never: %s; said \"%s\", died \"%s\"", #condition, (h)->said, (h)->why);      \
        assert_int_equal(ssp_loop_turn((h)->loop, TURN_MS), 0);                                    \
    }

#endif
