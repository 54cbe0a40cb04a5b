/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_line.h - a record of an access becomes a line of text, or of JSON.  Names are bytes that
 * others have chosen: whatever is in them, a line stays one line.
 */
#ifndef SS_APP_ACCESS_LINE_H
#define SS_APP_ACCESS_LINE_H

#include "engine/engine.h"

#include <stddef.h>
#include <time.h>

/* How much of a client's address is told. */
enum ss_told { SS_TOLD_ALL, SS_TOLD_NETWORK /* /24, or /48 */, SS_TOLD_NONE };

struct ss_access_style {
    bool json;
    enum ss_told clients;
    bool targets;
};

/* The longest line: each byte of two names may take six. */
enum { SS_ACCESS_LINE_MAX = 4096 };

/* Writes the line, with its end, of an access that ended now at the server, or listener, of this
 * port.  Returns its length. */
size_t ss_access_line(char line[SS_ACCESS_LINE_MAX], const struct ss_access_style *style,
                      const struct ssp__access_record *record, unsigned port,
                      const struct timespec *now);

/* Reads "full", "network" or "none".  Returns -1 for others. */
int ss_told_read(enum ss_told *told, const char *word);

#endif
