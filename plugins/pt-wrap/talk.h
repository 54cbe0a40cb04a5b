/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - what a managed transport says on its standard output, version 1 of the protocol.
 *
 *   VERSION 1
 *   client:  PROXY DONE        CMETHOD name socks5 ip:port      CMETHODS DONE
 *   server:  SMETHOD name ip:port ARGS:k=v,k=v                  SMETHODS DONE
 *
 * and in the place of each a line that ends in -ERROR.  Lines of no such keyword are for the log:
 * whoever reads both outputs of a program sees its other words too.  Pure: no input, no output.
 */
#ifndef PT_WRAP_TALK_H
#define PT_WRAP_TALK_H

#include "pt-wrap/args.h"
#include "pt-wrap/place.h"

#include <ssplugin/env.h>

#include <stdbool.h>

enum {
    PT_TALK_PIECE = 1024, /* a longer line comes in pieces of this, see ssp_host_conf::on_line */
    PT_TALK_LINE = 64 * 1024, /* a longer one is not ours */
    PT_TALK_WHY = 512
};

enum pt_stage {
    PT_SILENT,   /* nothing yet */
    PT_SPEAKING, /* it speaks our version */
    PT_READY,    /* it runs our transport: what follows is for the log */
    PT_REFUSED   /* it will not: see why and status */
};

struct pt_talk {
    enum pt_stage stage;
    ssp_role role;
    const char *transport; /* the one that must run; borrowed */
    bool proxy;            /* it was given a proxy, and must say that it uses it */

    bool proxied, offered;
    bool socks4;           /* client: how it wants to be spoken to, else SOCKS5 */
    struct pt_place place; /* client: where; server: where it listens */
    struct pt_args args;   /* server: what its clients must know */

    int status; /* with PT_REFUSED: what to end with, SSP_EXIT_* */
    char why[PT_TALK_WHY];

    char *line; /* the pieces so far of one that is not complete */
    size_t len;
    bool lost; /* it has become too long */
};

/* transport is borrowed. */
void pt_talk_begin(struct pt_talk *talk, ssp_role role, const char *transport, bool proxy);

/* The next piece of what it prints, without the line's end.  Returns the stage. */
enum pt_stage pt_talk_hear(struct pt_talk *talk, const char *piece);

/* It can say nothing more to the point: how is such as "ended". */
void pt_talk_give_up(struct pt_talk *talk, int status, const char *how);

void pt_talk_end(struct pt_talk *talk);

#endif
