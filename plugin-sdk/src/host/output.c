/* SPDX-License-Identifier: Apache-2.0 */
#include "host/output.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 16384 };

void ssp_output_begin(struct ssp_output *o, const char *name, pid_t pid)
{
    struct ssp_output kept = {.on_line = o->on_line, .arg = o->arg, .pace = o->pace};
    *o = kept;
    o->name = name;
    o->pid = pid;
}

static void report_dropped(struct ssp_output *o)
{
    if (o->pace.dropped > 0)
        ssp_error("plugin %s[%d]: %lu lines dropped", o->name, (int)o->pid, o->pace.dropped);
    o->pace.dropped = 0;
}

static void hand_on(const struct ssp_output *o)
{
    char line[SSP_OUTPUT_LINE + 1];
    for (size_t i = 0; i < o->len; i++) {
        unsigned char c = (unsigned char)o->line[i];
        line[i] = (char)(c < ' ' || c == 0x7f ? '?' : c);
    }
    line[o->len] = '\0';
    o->on_line(o->arg, line);
}

static void end_line(struct ssp_output *o)
{
    if (o->len == 0)
        return;
    char *last = o->last[o->seen++ % SSP_OUTPUT_LAST];
    (void)snprintf(last, SSP_OUTPUT_LAST_LEN, "%.*s", (int)o->len, o->line);
    if (ssp_pace_take(&o->pace)) {
        report_dropped(o);
        ssp_info("plugin %s[%d]: %.*s", o->name, (int)o->pid, (int)o->len, o->line);
    }
    if (o->on_line != NULL)
        hand_on(o);
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
    ssp_pace_refill(&o->pace, now_ms);
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
