/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/notices.h"

#include "base/retry.h"
#include "host/report/clean.h"

#include <ssplugin/log.h>

#include <string.h>
#include <unistd.h>

void ssp__notices_begin(struct ssp__notices *n)
{
    n->len = 0;
    n->skipping = n->said_long = n->said_odd = n->said_flood = false;
}

static void say_once(const struct ssp__notices *n, bool *said, const char *what)
{
    if (!*said)
        ssp_error("plugin %s: notices that are %s are dropped", n->name, what);
    *said = true;
}

/* Ends the key of a line, upper-case letters, digits, '-' and '_', and returns the value; NULL when
 * there is none. */
static char *split(char *line)
{
    size_t key = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    if (key == 0 || key > SSP_NOTICE_KEY_MAX || line[key] != '=')
        return NULL;
    line[key] = '\0';
    return line + key + 1;
}

static void end_line(struct ssp__notices *n)
{
    size_t len = n->len;
    bool skipped = n->skipping;
    n->len = 0;
    n->skipping = false;
    n->line[len] = '\0';
    if (skipped || len == 0)
        return;
    char *value = strlen(n->line) == len ? split(n->line) : NULL;
    if (value == NULL) {
        say_once(n, &n->said_odd, "not of the form KEY=value");
        return;
    }
    /* READY must pass any flood of lines. */
    if (strcmp(n->line, "READY") != 0 && !ssp__ratelimit_take(&n->pace)) {
        say_once(n, &n->said_flood, "too many");
        return;
    }
    ssp__clean(value);
    n->fn(n->arg, n->line, value);
}

static void add(struct ssp__notices *n, char c)
{
    if (c == '\n') {
        end_line(n);
    } else if (n->len < SSP_NOTICE_MAX) {
        n->line[n->len++] = c;
    } else {
        n->skipping = true;
        say_once(n, &n->said_long, "longer than 4096 bytes");
    }
}

size_t ssp__notices_read(struct ssp__notices *n, int fd, uint64_t now_ms)
{
    char chunk[SSP_NOTICES_CHUNK];
    ssize_t got = ssp__read_all(fd, chunk, sizeof chunk);
    ssp__ratelimit_refill(&n->pace, now_ms);
    for (ssize_t i = 0; i < got; i++)
        add(n, chunk[i]);
    return got > 0 ? (size_t)got : 0;
}
