/* SPDX-License-Identifier: Apache-2.0 */
#include "host/output.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 16384, LINES_PER_SECOND = 50, BURST = 100 };

void ssp_output_begin(struct ssp_output *o, const char *name, pid_t pid)
{
    uint64_t refilled_ms = o->refilled_ms;
    unsigned tokens = refilled_ms == 0 ? BURST : o->tokens;
    *o =
        (struct ssp_output){.name = name, .pid = pid, .tokens = tokens, .refilled_ms = refilled_ms};
}

static void refill(struct ssp_output *o, uint64_t now_ms)
{
    uint64_t earned = (now_ms - o->refilled_ms) * LINES_PER_SECOND / 1000;
    if (o->refilled_ms == 0 || earned > BURST)
        earned = BURST;
    if (earned == 0)
        return;
    o->refilled_ms = now_ms;
    o->tokens = o->tokens + (unsigned)earned > BURST ? BURST : o->tokens + (unsigned)earned;
}

static void report_dropped(struct ssp_output *o)
{
    if (o->dropped > 0)
        ssp_error("plugin %s[%d]: %lu lines dropped", o->name, (int)o->pid, o->dropped);
    o->dropped = 0;
}

static void end_line(struct ssp_output *o)
{
    if (o->len == 0)
        return;
    char *last = o->last[o->seen++ % SSP_OUTPUT_LAST];
    (void)snprintf(last, SSP_OUTPUT_LAST_LEN, "%.*s", (int)o->len, o->line);
    if (o->tokens == 0) {
        o->dropped++;
    } else {
        o->tokens--;
        report_dropped(o);
        ssp_info("plugin %s[%d]: %.*s", o->name, (int)o->pid, (int)o->len, o->line);
    }
    o->len = 0;
}

void ssp_output_end(struct ssp_output *o)
{
    end_line(o);
    report_dropped(o);
}

static void add(struct ssp_output *o, char c)
{
    if (c == '\n' || o->len == sizeof o->line)
        end_line(o);
    if (c != '\n' && c != '\r')
        o->line[o->len++] = c;
}

bool ssp_output_read(struct ssp_output *o, int fd, uint64_t now_ms)
{
    char chunk[CHUNK];
    ssize_t n = read(fd, chunk, sizeof chunk);
    refill(o, now_ms);
    for (ssize_t i = 0; i < n; i++) {
        if (chunk[i] != '\0')
            add(o, chunk[i]);
    }
    return n > 0 || (n == -1 && errno == EINTR);
}

unsigned ssp_output_last(const struct ssp_output *o, const char *line[SSP_OUTPUT_LAST])
{
    unsigned n = o->seen < SSP_OUTPUT_LAST ? o->seen : SSP_OUTPUT_LAST;
    for (unsigned i = 0; i < n; i++)
        line[i] = o->last[(o->seen - n + i) % SSP_OUTPUT_LAST];
    return n;
}
