/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - the counters of a tunnel as a line for people or for programs.
 */
#ifndef SSP_TOOL_TALLY_H
#define SSP_TOOL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
    double seconds; /* since the tunnel was ready */
    uint64_t connections, failed;
    unsigned open;
    uint64_t plain_up, plain_down; /* bytes, to the server and back */
    bool has_wire;
    uint64_t wire_up, wire_down; /* bytes between the plugins */
};

/* Bytes on the wire beyond the plain ones, as a fraction of these; 0 when nothing is known. */
double tally_overhead(const struct tally *t);

/* One line without its end; returns text. */
const char *tally_line(const struct tally *t, char *text, size_t cap);

/* One line of JSON on stdout, {"event":"stats",...}. */
void tally_json(const struct tally *t);

#endif
