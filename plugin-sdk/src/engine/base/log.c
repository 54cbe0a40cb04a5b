/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/retry.h"

#include <errno.h>
#include <paths.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* One write of this size to a pipe that polls writable neither blocks nor tears. */
enum { LINE_MAX_BYTES = 1024 };

struct stream {
    int fd;
    bool colour;
    bool torn;             /* the last line ends in the middle: the disk was full */
    unsigned long dropped; /* lines since the last one that fitted */
    int error;             /* why the first of them did not */
};

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len;
};

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): the one sink of the process */
static struct {
    ssp_log_style style;
    const char *name;
    bool verbose;
    bool echo; /* ssp__log_echo() */
    struct stream out, err, syslog;
    ssp_log_fn *redirect; /* NULL: the style decides */
    void *arg;            /* of redirect, borrowed */
    pthread_mutex_t lock; /* no second thread may fill the pipe between poll and write */
} sink = {
    .style = SSP_LOG_PLUGIN,
    .name = "ssplugin",
    .out = {.fd = STDOUT_FILENO},
    .err = {.fd = STDERR_FILENO},
    .syslog = {.fd = -1},
    .lock = PTHREAD_MUTEX_INITIALIZER,
};
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

static const struct level_row {
    const char *label, *colour;
    int priority;
} levels[] = {
    [SSP_LOG_ERROR] = {"ERROR", "\033[01;35m", LOG_ERR},
    [SSP_LOG_INFO] = {"INFO", "\033[01;32m", LOG_INFO},
    [SSP_LOG_DEBUG] = {"INFO", "\033[01;32m", LOG_DEBUG},
};

void ssp_log_open(ssp_log_style style, const char *name, bool verbose)
{
    bool plain = getenv("NO_COLOR") != NULL;
    sink.style = style;
    sink.name = name;
    sink.verbose = verbose;
    sink.out.colour = !plain && isatty(sink.out.fd) == 1;
    sink.err.colour = !plain && isatty(sink.err.fd) == 1;
    if (style == SSP_LOG_SYSLOG && sink.syslog.fd == -1) /* now: later there may be none left */
        sink.syslog.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void ssp_log_redirect(ssp_log_fn *redirect, void *arg)
{
    sink.redirect = redirect;
    sink.arg = arg;
}

bool ssp__log_redirected(void)
{
    return sink.redirect != NULL;
}

void ssp__log_echo(bool on)
{
    sink.echo = on;
}

bool ssp_log_verbose(void)
{
    return sink.verbose;
}

/* Appends text as it is, cut where the line ends; the last byte stays free for the newline. */
static void add(struct line *line, const char *text)
{
    size_t room = sizeof line->bytes - 1 - line->len, n = strlen(text);
    n = n < room ? n : room;
    memcpy(line->bytes + line->len, text, n);
    line->len += n;
}

/* UTF-8 by its first byte (RFC 3629, section 4): how long the character is, and what its second
 * byte may be.  Leaves out the control characters, C1 included, and overlong forms. */
static const struct utf8_row {
    unsigned char first, last, bytes, second_min, second_max;
} utf8[] = {
    {0x20, 0x7e, 1, 0x00, 0xff}, {0xc2, 0xc2, 2, 0xa0, 0xbf}, {0xc3, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool continues(const unsigned char *byte, size_t from, size_t to)
{
    while (from < to && (byte[from] & 0xc0) == 0x80)
        from++;
    return from == to;
}

/* U+061C; U+200E and 200F; U+2028 to 202E; U+2066 to 2069. */
unsigned ssp__log_reorders(const char *text)
{
    static const struct {
        unsigned char lead[2], first, last;
    } rows[] = {{{0xe2, 0x80}, 0x8e, 0x8f}, {{0xe2, 0x80}, 0xa8, 0xae}, {{0xe2, 0x81}, 0xa6, 0xa9}};
    const unsigned char *byte = (const unsigned char *)text;
    if (byte[0] == 0xd8)
        return byte[1] == 0x9c ? 2 : 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (byte[0] == rows[i].lead[0] && byte[1] == rows[i].lead[1] && byte[2] >= rows[i].first &&
            byte[2] <= rows[i].last)
            return 3;
    }
    return 0;
}

size_t ssp__log_printable(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (ssp__log_reorders(text) > 0)
        return 0;
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
        const struct utf8_row *row = &utf8[i];
        if (byte[0] < row->first || byte[0] > row->last)
            continue;
        bool second = byte[1] >= row->second_min && byte[1] <= row->second_max;
        return second && continues(byte, 2, row->bytes > 2 ? row->bytes : 2) ? row->bytes : 0;
    }
    return 0;
}

/* Appends text from outside: one line stays one line, and a terminal sees no commands. */
static void add_escaped(struct line *line, const char *text)
{
    while (*text != '\0') {
        char shown[8] = "";
        size_t n = ssp__log_printable(text);
        if (n > 0)
            memcpy(shown, text, n);
        else
            (void)snprintf(shown, sizeof shown, "\\x%02x", (unsigned char)*text);
        if (line->len + strlen(shown) >= sizeof line->bytes)
            return;
        add(line, shown);
        text += n > 0 ? n : 1;
    }
}

static void add_daemon_prefix(struct line *line, ssp_log_level level, bool colour)
{
    char stamp[32] = "";
    struct tm local;
    time_t now = time(NULL);
    if (localtime_r(&now, &local) != NULL)
        (void)strftime(stamp, sizeof stamp, " %Y-%m-%d %H:%M:%S ", &local);
    if (colour)
        add(line, levels[level].colour);
    add(line, stamp);
    add(line, levels[level].label);
    add(line, colour ? ": \033[0m" : ": ");
}

/* As syslog(3) writes it (RFC 3164), whatever language the program has set. */
static void add_syslog_prefix(struct line *line, ssp_log_level level)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char prefix[64];
    struct tm local = {0};
    time_t now = time(NULL);
    (void)localtime_r(&now, &local);
    (void)snprintf(prefix, sizeof prefix, "<%d>%s %2d %02d:%02d:%02d ",
                   LOG_DAEMON | levels[level].priority, months[local.tm_mon], local.tm_mday,
                   local.tm_hour, local.tm_min, local.tm_sec);
    add(line, prefix);
    add(line, sink.name);
    (void)snprintf(prefix, sizeof prefix, "[%d]: ", (int)getpid());
    add(line, prefix);
}

static void compose(struct line *line, const struct stream *to, ssp_log_level level,
                    const char *text)
{
    line->len = 0;
    if (to == &sink.syslog) {
        add_syslog_prefix(line, level);
        add_escaped(line, text);
        return; /* a datagram ends by itself */
    }
    if (sink.style == SSP_LOG_DAEMON) {
        add_daemon_prefix(line, level, to->colour);
    } else {
        add(line, sink.name);
        add(line, ": ");
    }
    add_escaped(line, text);
    line->bytes[line->len++] = '\n';
}

/* Returns 0, or the errno of why it is lost: EAGAIN when the reader is there but has no room.  A
 * line without a reader is none that is lost. */
static int write_line(struct stream *stream, const struct line *line)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLOUT};
    ssize_t n = ssp__poll_now(&ready, 1);
    if (n == 0)
        return EAGAIN;
    if (n == 1 && (ready.revents & (POLLOUT | POLLERR)) != POLLOUT)
        return 0;
    if (n == 1)
        n = ssp__write(stream->fd, line->bytes, line->len);
    if (n == -1)
        return errno != EPIPE ? errno : 0;
    stream->torn = (size_t)n < line->len;
    return stream->torn ? ENOSPC : 0;
}

/* By its name each time, since its reader may be another one by now.  syslog(3) would wait for one
 * that does not read.  Returns as write_line() does. */
static int send_line(const struct stream *stream, const struct line *line)
{
    static const struct sockaddr_un reader = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    ssize_t n;
    do {
        n = sendto(stream->fd, line->bytes, line->len, MSG_DONTWAIT | MSG_NOSIGNAL,
                   (const struct sockaddr *)&reader, sizeof reader);
    } while (n == -1 && errno == EINTR);
    return n == -1 ? errno : 0;
}

static bool wrote(struct stream *stream, struct line *line)
{
    if (stream->torn && line->len < sizeof line->bytes) {
        memmove(line->bytes + 1, line->bytes, line->len++);
        line->bytes[0] = '\n';
    }
    int error = stream == &sink.syslog ? send_line(stream, line) : write_line(stream, line);
    if (error != 0 && stream->dropped == 0)
        stream->error = error;
    return error == 0;
}

/* A reader that is slow is no error of the system's. */
static void tell_dropped(const struct stream *stream, char *text, size_t cap)
{
    bool slow = stream->error == EAGAIN;
    (void)snprintf(text, cap, "%lu log lines dropped%s%s", stream->dropped, slow ? "" : ": ",
                   slow ? "" : strerror(stream->error));
}

static void deliver(struct stream *stream, ssp_log_level level, const char *text)
{
    struct line line;
    if (stream->dropped > 0) {
        char lost[128];
        tell_dropped(stream, lost, sizeof lost);
        compose(&line, stream, level, lost);
        if (wrote(stream, &line))
            stream->dropped = 0;
    }
    compose(&line, stream, level, text);
    if (stream->dropped > 0 || !wrote(stream, &line))
        stream->dropped++;
}

static void redirect(ssp_log_level level, const char *text)
{
    struct line line = {.len = 0};
    add_escaped(&line, text);
    line.bytes[line.len] = '\0';
    sink.redirect(sink.arg, level, line.bytes);
}

static void write_out(ssp_log_level level, const char *text)
{
    bool to_syslog = sink.style == SSP_LOG_SYSLOG;
    bool to_out = sink.style == SSP_LOG_DAEMON && level != SSP_LOG_ERROR;
    (void)pthread_mutex_lock(&sink.lock);
    if (to_syslog)
        deliver(&sink.syslog, level, text);
    if (!to_syslog || (sink.echo && level == SSP_LOG_ERROR))
        deliver(to_out ? &sink.out : &sink.err, level, text);
    (void)pthread_mutex_unlock(&sink.lock);
}

void ssp_log(ssp_log_level level, const char *format, ...)
{
    if (level == SSP_LOG_DEBUG && !sink.verbose)
        return;

    int kept = errno; /* logging an error must not change it */
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);

    if (sink.redirect != NULL)
        redirect(level, text);
    else
        write_out(level, text);
    errno = kept;
}
