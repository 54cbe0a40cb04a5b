/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include "base/json.h"

#include <stdio.h>

/* Bytes on the wire beyond the plain ones, as a fraction of these; 0 when nothing is known. */
static double overhead(const struct counters *t)
{
    uint64_t plain = t->plain_up + t->plain_down, wire = t->wire_up + t->wire_down;
    return t->has_wire && plain > 0 ? (double)wire / (double)plain - 1 : 0;
}

/* "999 B", "1.5 KiB", "12.3 GiB" */
static const char *bytes(uint64_t n, char *text, size_t cap)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double scaled = (double)n / 1024;
    size_t unit = 0;
    if (n < 1024) {
        (void)snprintf(text, cap, "%u B", (unsigned)n);
        return text;
    }
    for (; scaled >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        scaled /= 1024;
    (void)snprintf(text, cap, "%.1f %s", scaled, units[unit]);
    return text;
}

const char *counters_line(const struct counters *t, char *text, size_t cap)
{
    char up[24], down[24], wire_up[24], wire_down[24];
    int n = snprintf(text, cap, "%.0f s: %llu connections, %u open; up %s, down %s", t->seconds,
                     (unsigned long long)t->connections, t->open, bytes(t->plain_up, up, sizeof up),
                     bytes(t->plain_down, down, sizeof down));
    if (t->has_wire && n > 0 && (size_t)n < cap)
        (void)snprintf(text + n, cap - (size_t)n, "; wire up %s, down %s, overhead %.2f %%",
                       bytes(t->wire_up, wire_up, sizeof wire_up),
                       bytes(t->wire_down, wire_down, sizeof wire_down), overhead(t) * 100);
    return text;
}

void counters_json(const struct counters *t)
{
    struct ssp__json out = {.out = stdout};
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "event", "stats");
    ssp__json_real(&out, "seconds", t->seconds);
    ssp__json_number(&out, "connections", (int64_t)t->connections);
    ssp__json_number(&out, "open", t->open);
    ssp__json_number(&out, "failed", (int64_t)t->failed);
    ssp__json_number(&out, "plain_up", (int64_t)t->plain_up);
    ssp__json_number(&out, "plain_down", (int64_t)t->plain_down);
    if (t->has_wire) {
        ssp__json_number(&out, "wire_up", (int64_t)t->wire_up);
        ssp__json_number(&out, "wire_down", (int64_t)t->wire_down);
        ssp__json_real(&out, "overhead_percent", overhead(t) * 100);
    }
    ssp__json_close(&out, '}');
    (void)fflush(stdout);
}
