/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - lines for the host: each is one write; a line that does not fit is dropped. */
#include "base/retry.h"

#include <ssplugin/lifecycle.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A pipe that polls writable takes this many bytes at once and whole (PIPE_BUF), newline included.
 */
enum { LINE_BYTES_MAX = 4096 };

static int fail(int error)
{
    errno = error;
    return -1;
}

static int write_line(int fd, const char *line, size_t n)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    int ready = ssp__poll_now(&room, 1);
    if (ready == -1)
        return -1;
    if (ready == 0)
        return fail(EAGAIN);
    if ((room.revents & POLLNVAL) != 0)
        return fail(EBADF);
    ssize_t written = ssp__write(fd, line, n);
    if (written == -1)
        return -1;
    return (size_t)written == n ? 0 : fail(EAGAIN);
}

int ssp_notify(int fd, const char *key, const char *value)
{
    char line[LINE_BYTES_MAX + 1];
    if (fd == -1)
        return 0;
    int n = snprintf(line, sizeof line, "%s=%s\n", key, value);
    if (n < 0 || n > LINE_BYTES_MAX)
        return fail(EMSGSIZE);
    for (char *c = line; c < line + n - 1; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return write_line(fd, line, (size_t)n);
}

int ssp_notify_ready(int fd)
{
    return ssp_notify(fd, "READY", "1");
}

int ssp_notify_stats(int fd, const ssp_stats *stats)
{
    char text[256];
    bool whole = stats->size >= sizeof *stats;
    ssp_stats s = {.size = 0};
    memcpy(&s, stats, stats->size < sizeof s ? stats->size : sizeof s);
    int n = snprintf(text, sizeof text,
                     "conns=%" PRIu64 " live=%" PRIu32 " up=%" PRIu64 " down=%" PRIu64
                     " foreign=%" PRIu64 " fail=%" PRIu64,
                     s.connections, s.live, s.up, s.down, s.foreign, s.failed);
    if (whole)
        (void)snprintf(text + n, sizeof text - (size_t)n, " wire-up=%" PRIu64 " wire-down=%" PRIu64,
                       s.wire_up, s.wire_down);
    return ssp_notify(fd, "STATS", text);
}
