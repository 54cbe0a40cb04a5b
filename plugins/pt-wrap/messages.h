/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.h - parses the standard output of a managed transport, version 1 of the protocol.
 *
 *   VERSION 1
 *   client:  PROXY DONE        CMETHOD name socks5 ip:port      CMETHODS DONE
 *   server:  SMETHOD name ip:port ARGS:k=v,k=v                  SMETHODS DONE
 *
 * and in the place of each a line that ends in -ERROR.  Lines without such a keyword are for the
 * log: the reader gets both outputs of the program, which have other lines, too.  Pure: no input,
 * no output.
 */
#ifndef PT_WRAP_MESSAGES_H
#define PT_WRAP_MESSAGES_H

#include "pt-wrap/args.h"
#include "pt-wrap/place.h"

#include <ssplugin/env.h>

#include <stdbool.h>

enum {
    PT_MESSAGES_PIECE =
        1024, /* a longer line comes in pieces of this, see ssp_host_conf::on_line */
    PT_MESSAGES_LINE = 64 * 1024, /* a longer one is not ours */
    PT_MESSAGES_WHY = 512
};

enum pt_progress {
    PT_SILENT,   /* no line yet */
    PT_SPEAKING, /* its version is supported */
    PT_READY,    /* it runs the transport: later lines are for the log */
    PT_REFUSED   /* it failed: see why and status */
};

struct pt_messages {
    enum pt_progress progress;
    ssp_role role;
    const char *transport; /* the one that must run; borrowed */
    bool proxy;            /* it was given a proxy, and must confirm that it uses it */

    bool proxied, offered;
    bool socks4;           /* client: its listener speaks SOCKS4, else SOCKS5 */
    struct pt_place place; /* client: address of that listener; server: address of its listener */
    struct pt_args args;   /* server: the arguments for its clients */

    int status; /* with PT_REFUSED: the exit status, SSP_EXIT_* */
    char why[PT_MESSAGES_WHY];

    char *line; /* the pieces so far of one that is not complete */
    size_t len;
    bool lost; /* it has become too long */
};

/* transport is borrowed. */
void pt_messages_begin(struct pt_messages *messages, ssp_role role, const char *transport,
                       bool proxy);

/* Reads the next piece of its output, without the line's end.  Returns the progress. */
enum pt_progress pt_messages_read(struct pt_messages *messages, const char *piece);

/* Its output has ended before it was ready: how is such as "ended". */
void pt_messages_give_up(struct pt_messages *messages, int status, const char *how);

void pt_messages_end(struct pt_messages *messages);

#endif
