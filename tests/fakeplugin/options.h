/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - what the fake plugin is told to do wrong.
 */
#ifndef FAKEPLUGIN_OPTIONS_H
#define FAKEPLUGIN_OPTIONS_H

#include <stdbool.h>

struct faults {
    bool server, partial_line, control_chars, close_output, fork_and_exit, fork_grandchild;
    bool notify_ready, flood_notify, no_udp, accept_none;
    bool never_listen, wrong_port, bind_any, use_listen_fds, ignore_term, heed_stdin;
    long pour;                                             /* seconds; the same as below */
    long long_line, flood, exit, eaddrinuse, listen_after; /* -1: not wanted */
    long after_bytes[3];                                   /* crash, kill, stop; the same */
    long deaf_after_bytes;                                 /* closes its listener; the same */
    const char *say, *exit_after, *counter, *steal, *report, *touch, *notify;
};

/* text is "key=value;key"; it is changed and stays in use. */
void read_options(struct faults *f, char *text);

#endif
