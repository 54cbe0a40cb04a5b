/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discreet.h - hides the arguments of a transport's server from the log: ARGS: may hold a key.
 */
#ifndef PT_WRAP_DISCREET_H
#define PT_WRAP_DISCREET_H

#include <stdbool.h>
#include <stddef.h>

/* Copies text without such values: "SMETHOD obfs4 1.2.3.4:443 ARGS:(not logged)". */
void pt_discreet(char *out, size_t cap, const char *text);

/* The state of the output of one program. */
struct pt_discreet_log {
    char lines[80]; /* the prefix of its lines in the log */
    bool secret;    /* the rest of the current line may be */
};

/* From now on all lines of the log go through it; program is the name of a file.  log is borrowed
 * until pt_discreet_end(). */
void pt_discreet_begin(struct pt_discreet_log *log, const char *program);

/* A piece of a line of the program is in the log, in one line or several; goes_on: the next piece
 * is of the same line. */
void pt_discreet_heard(struct pt_discreet_log *log, bool goes_on);

void pt_discreet_end(void);

#endif
