/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders.h - the words on the control socket of a process: one line asks, and what follows is the
 * answer.
 *
 *   reload      a line: "ok" or "error", a blank, and what became of it
 *   take-over   a struct ss_handover_greeting, and the sockets; then the other process says
 * SS_READY when it serves, and gets SS_YOURS once this one does not any more; or SS_LATE, when that
 * has taken too long, and this one goes on
 */
#ifndef SS_APP_ORDERS_H
#define SS_APP_ORDERS_H

#include "conf/conf.h"

#include <stddef.h>
#include <stdint.h>

#define SS_ORDER_RELOAD "reload\n"
#define SS_ORDER_TAKE_OVER "take-over\n"

enum { SS_ORDER_MAX = 16, SS_ANSWER_MAX = 1280, SS_READY = 'R', SS_YOURS = 'Y', SS_LATE = 'L' };

#define SS_HANDOVER_MARK "shadowplug/2"

struct ss_handover_greeting {
    char mark[16], program[16];
    int32_t pid; /* the socket has that of the process that opened it first */
    uint32_t sockets;
    char refusal[256];                          /* empty: the sockets follow */
    char notify_socket[112], watchdog_usec[24]; /* of the service manager; empty: none */
};

/* Connects to the control socket at path, and asks.  Returns the socket, which waits as long as it
 * may take to answer, or -1 with a sentence in why. */
int ss_order_send(const char *path, const char *order, char *why, size_t why_cap);

/* Asks the process at conf->control for a reload, and prints the answer; without such a socket the
 * process of conf->pid_file gets SIGHUP, and its log has the outcome.  Returns the exit status. */
int ss_order_reload(const struct ss_conf *conf, const char *program);

#endif
