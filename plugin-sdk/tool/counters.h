/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - the counters of a tunnel as a line for people or for programs.
 */
#ifndef SSP_TOOL_COUNTERS_H
#define SSP_TOOL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counters {
    double seconds; /* since the tunnel was ready */
    uint64_t connections, failed;
    unsigned open;
    uint64_t plain_up, plain_down; /* bytes, to the server and back */
    bool has_wire;
    uint64_t wire_up, wire_down; /* bytes between the plugins */
};

/* One line without its end; returns text. */
const char *counters_line(const struct counters *t, char *text, size_t cap);

/* One line of JSON on stdout, {"event":"stats",...}. */
void counters_json(const struct counters *t);

#endif
