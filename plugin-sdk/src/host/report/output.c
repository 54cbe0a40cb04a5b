/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/output.h"

#include "base/retry.h"
#include "host/report/clean.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A line of the log has about 1000 bytes, and the time and our prefix take some. */
enum { SHOWN = 900, BURST_MS = 2000, CASCADE_MS = 100, COUNT_MS = 1000 };

/* One turn examines CHUNK bytes and skips all that waits behind them but the last CHUNK.  A pipe of
 * PIPE bytes holds what comes at 100 MB/s between two turns. */
enum { CHUNK = 16384, SKIPPED = 65536, PIPE = 1 << 20 };

void ssp__output_begin(struct ssp__output *o, const char *name, pid_t pid)
{
    struct ssp__output kept = {.on_line = o->on_line,
                               .arg = o->arg,
                               .pace = o->pace,
                               .counted_ms = o->counted_ms,
                               .wide = o->wide};
    *o = kept;
    o->name = name;
    o->pid = pid;
}

static void report_dropped(struct ssp__output *o)
{
    if (o->pace.dropped > 0)
        ssp_error("plugin %s[%d]: %lu lines dropped", o->name, (int)o->pid, o->pace.dropped);
    o->pace.dropped = 0;
}

/* Skips the plugin's "name: " at the start of a line, unless nothing follows it. */
static const char *without_name(const struct ssp__output *o)
{
    size_t n = strlen(o->name);
    bool named = !o->goes_on && strncmp(o->line, o->name, n) == 0 && o->line[n] == ':' &&
                 o->line[n + 1] == ' ' && o->line[n + 2] != '\0';
    return named ? o->line + n + 2 : o->line;
}

static void show(const struct ssp__output *o, ssp_log_level level, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        int n = left < SHOWN ? (int)left : SHOWN;
        ssp_log(level, "plugin %s[%d]: %.*s", o->name, (int)o->pid, n, text);
        text += n;
        left -= (size_t)n;
    }
}

/* Rust prints the reason of a panic on the line after its location. */
static void finish_telling(struct ssp__output *o, const char *text)
{
    size_t n = strlen(o->telling);
    (void)snprintf(o->telling + n, sizeof o->telling - n, " %s", text);
    o->unfinished = false;
}

/* The first line of a crash names its cause; so does the first of errors that follow from each
 * other. */
static void weigh(struct ssp__output *o, const char *text)
{
    enum ssp__line_weight weight = ssp__line_weight(text);
    uint64_t age_ms = o->last_ms - o->telling_ms;
    bool old = age_ms > (weight == o->weight && weight == SSP_LINE_ERROR ? CASCADE_MS : BURST_MS);
    if (o->unfinished)
        finish_telling(o, text);
    if (weight == SSP_LINE_PLAIN || (!old && weight <= o->weight))
        return;
    (void)snprintf(o->telling, sizeof o->telling, "%s", text);
    o->weight = weight;
    o->telling_ms = o->last_ms;
    o->unfinished = weight == SSP_LINE_CRASH && text[strlen(text) - 1] == ':' &&
                    strstr(text, "panicked at") != NULL;
}

static void remember(struct ssp__output *o, const char *text)
{
    char *last = o->last[o->seen++ % SSP_OUTPUT_LAST];
    (void)snprintf(last, SSP_OUTPUT_LAST_LEN, "%.*s", SSP_OUTPUT_LAST_LEN - 1, text);
    weigh(o, text);
}

static bool may_show(struct ssp__output *o)
{
    if (!ssp__ratelimit_take(&o->pace))
        return false;
    if (o->last_ms - o->counted_ms >= COUNT_MS) {
        o->counted_ms = o->last_ms;
        report_dropped(o);
    }
    return true;
}

void ssp__output_say(struct ssp__output *o, ssp_log_level level, const char *text, uint64_t now_ms)
{
    ssp__ratelimit_refill(&o->pace, now_ms);
    o->last_ms = now_ms;
    if (level == SSP_LOG_DEBUG && !ssp_log_verbose())
        return;
    remember(o, text);
    if (may_show(o))
        show(o, level, text);
}

static void end_piece(struct ssp__output *o)
{
    if (o->len == 0)
        return;
    o->line[o->len] = '\0';
    o->len = 0;
    ssp__line_remove_colours(o->line);
    const char *text = without_name(o);
    if (*text != '\0')
        remember(o, text);
    if (*text != '\0' && may_show(o))
        show(o, o->ending ? ssp__line_level_at_end(text) : ssp__line_level(text), text);
    ssp__clean(o->line);
    if (o->on_line != NULL && o->line[0] != '\0')
        o->on_line(o->arg, o->line);
    o->goes_on = true;
}

void ssp__output_end(struct ssp__output *o)
{
    end_piece(o);
    report_dropped(o);
}

static void end_skipped(struct ssp__output *o)
{
    o->skipping = false;
    o->pace.dropped++;
}

static void add(struct ssp__output *o, char c)
{
    if (o->skipping) {
        if (c == '\n')
            end_skipped(o);
        return;
    }
    if (c == '\n' || o->len == SSP_OUTPUT_LINE)
        end_piece(o);
    if (c == '\n')
        o->goes_on = false;
    else if (c != '\r')
        o->line[o->len++] = c;
}

/* Counts the lines of the bytes, which belong to the line that is open. */
static void skip(struct ssp__output *o, const char *bytes, size_t n)
{
    const char *end = bytes + n, *newline;
    while (bytes < end) {
        o->skipping = true;
        newline = memchr(bytes, '\n', (size_t)(end - bytes));
        if (newline == NULL)
            return;
        end_skipped(o);
        bytes = newline + 1;
    }
}

/* A flood: leaves the end of what waits, which may tell why the plugin dies. */
static void skip_to_end(struct ssp__output *o, int fd)
{
    char bytes[SKIPPED];
    int waiting = 0;
    ssize_t n = 1;
    (void)ioctl(fd, FIONREAD, &waiting);
    if (waiting > CHUNK && !o->wide)
        (void)fcntl(fd, F_SETPIPE_SZ, PIPE);
    o->wide = o->wide || waiting > CHUNK;
    if (waiting > CHUNK)
        o->len = 0;
    for (size_t left = waiting > CHUNK ? (size_t)waiting - CHUNK : 0; left > 0 && n > 0;
         left -= (size_t)n) {
        n = ssp__read_all(fd, bytes, left < sizeof bytes ? left : sizeof bytes);
        n = n > 0 ? n : 0;
        skip(o, bytes, (size_t)n);
    }
}

bool ssp__output_read(struct ssp__output *o, int fd, uint64_t now_ms)
{
    char chunk[CHUNK];
    ssize_t n = ssp__read_all(fd, chunk, sizeof chunk);
    ssp__ratelimit_refill(&o->pace, now_ms);
    o->last_ms = n > 0 ? now_ms : o->last_ms;
    for (ssize_t i = 0; i < n; i++) {
        if (chunk[i] != '\0')
            add(o, chunk[i]);
    }
    if (n == CHUNK && (o->pace.tokens == 0 || o->skipping) && o->on_line == NULL)
        skip_to_end(o, fd);
    return n > 0;
}

unsigned ssp__output_last(const struct ssp__output *o, const char *line[SSP_OUTPUT_LAST])
{
    unsigned n = o->seen < SSP_OUTPUT_LAST ? o->seen : SSP_OUTPUT_LAST;
    for (unsigned i = 0; i < n; i++)
        line[i] = o->last[(o->seen - n + i) % SSP_OUTPUT_LAST];
    return n;
}

const char *ssp__output_telling(const struct ssp__output *o)
{
    if (o->telling[0] != '\0' && o->last_ms - o->telling_ms <= BURST_MS)
        return o->telling;
    return o->seen > 0 ? o->last[(o->seen - 1) % SSP_OUTPUT_LAST] : NULL;
}
