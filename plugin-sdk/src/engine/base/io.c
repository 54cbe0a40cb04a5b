/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include "base/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PUTF_MAX = 4096, WHY_MAX = 201 };

void ssp__io_flush(ssp_io *io)
{
    io->out_len = 0;
    io->pieces = 0;
    io->total = 0;
}

const uint8_t *ssp_in(const ssp_io *io, size_t *len)
{
    *len = io->in_len;
    return io->in != NULL ? io->in : (const uint8_t *)""; /* never NULL: memcpy wants none */
}

bool ssp_eof(const ssp_io *io)
{
    return io->eof;
}

size_t ssp_find(ssp_io *io, const void *pattern, size_t n, size_t limit)
{
    size_t len = io->in_len < limit ? io->in_len : limit;
    size_t from = io->scanned < len ? io->scanned : len;
    const uint8_t *hit = len == 0 ? NULL : memmem(io->in + from, len - from, pattern, n);
    if (hit != NULL)
        return (size_t)(hit - io->in) + n;
    if (len == limit)
        return SSP_NPOS;
    /* A match may begin in the last n-1 bytes. */
    io->scanned = len >= n ? len - (n - 1) : 0;
    return 0;
}

void ssp_need(ssp_io *io, size_t total)
{
    io->need = total;
}

void ssp_wait(ssp_io *io)
{
    io->waits = true;
}

bool ssp_timer_fired(const ssp_io *io)
{
    return io->fired;
}

static void consume(ssp_io *io, size_t n)
{
    io->in += n;
    io->in_len -= n;
    io->scanned = 0;
    io->consumed = true;
}

static bool checked(ssp_io *io, bool holds, const char *rule)
{
    if (!holds && io->rule == NULL)
        io->rule = rule;
    return holds;
}

void ssp_skip(ssp_io *io, size_t n)
{
    if (n > 0 && checked(io, n <= io->in_len, "skips more than is unread"))
        consume(io, n);
}

/* True when bytes at this address lengthen the last piece. */
static bool extends(const ssp_io *io, const uint8_t *bytes)
{
    if (io->pieces == 0)
        return false;
    const struct iovec *last = &io->piece[io->pieces - 1];
    return (const uint8_t *)last->iov_base + last->iov_len == bytes;
}

static void emit(ssp_io *io, const uint8_t *bytes, size_t n)
{
    if (extends(io, bytes))
        io->piece[io->pieces - 1].iov_len += n;
    else
        io->piece[io->pieces++] = (struct iovec){(void *)(uintptr_t)bytes, n};
    io->total += n;
}

bool ssp__io_refer(ssp_io *io, const uint8_t *bytes, size_t n)
{
    /* The last piece stays for scratch: behind it everything is copied, and it only grows. */
    if (io->pieces >= SSP_IO_PIECES - 1 && !extends(io, bytes))
        return false;
    emit(io, bytes, n);
    return true;
}

void ssp_pass(ssp_io *io, size_t n)
{
    if (n == 0 || !checked(io, n <= io->in_len, "passes more than is unread"))
        return;
    if (!ssp__io_refer(io, io->in, n))
        ssp_put(io, io->in, n);
    consume(io, n);
}

void ssp_pass_ahead(ssp_io *io, uint64_t n)
{
    if (n == 0)
        return;
    size_t now = n < io->in_len ? (size_t)n : io->in_len;
    if (!checked(io, io->ahead == 0, "passes ahead twice"))
        return;
    io->ahead = n - now;
    io->consumed = true;
    ssp_pass(io, now);
}

size_t ssp_room_left(const ssp_io *io)
{
    return io->out_cap - io->out_len;
}

static bool fits(const ssp_io *io, size_t n)
{
    return n <= ssp_room_left(io) &&
           (io->pieces < SSP_IO_PIECES || extends(io, io->out + io->out_len));
}

size_t ssp__io_room(const ssp_io *io)
{
    return fits(io, 0) ? ssp_room_left(io) : 0;
}

uint8_t *ssp_room(ssp_io *io, size_t n)
{
    if (fits(io, n))
        return io->out + io->out_len;
    io->starved = true;
    return NULL;
}

void ssp_used(ssp_io *io, size_t n)
{
    if (n == 0 || !checked(io, fits(io, n), "uses more than its room"))
        return;
    emit(io, io->out + io->out_len, n);
    io->out_len += n;
}

void ssp_put(ssp_io *io, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    uint8_t *room = ssp_room(io, n);
    if (!checked(io, room != NULL, "puts more than its room"))
        return;
    memcpy(room, bytes, n);
    ssp_used(io, n);
}

int ssp_putf(ssp_io *io, const char *format, ...)
{
    char text[PUTF_MAX + 1];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!checked(io, n >= 0 && n <= PUTF_MAX, "formats more than 4096 bytes"))
        return 0;
    ssp_put(io, text, (size_t)n);
    return n;
}

void ssp_reply(ssp_io *io, const void *bytes, size_t n)
{
    if (!checked(io, n <= SSP_IO_REPLY_MAX, "replies more than 16 KiB"))
        return;
    if (io->reply == NULL) {
        (void)checked(io, !io->fired, "replies by a timer after that direction has ended");
        return;
    }
    int rc = ssp__bytes_append(io->reply, io->pool, bytes, n);
    (void)checked(io, rc == 0, "replies while memory is out");
}

ssp_role ssp_conn_role(const ssp_conn *conn)
{
    return conn->role;
}

const void *ssp_conn_conf(const ssp_conn *conn)
{
    return conn->conf;
}

void ssp_conn_recall(ssp_conn *conn)
{
    conn->divert_asked = false;
}

void ssp_conn_divert(ssp_conn *conn)
{
    conn->divert_asked = true;
}

static ssp_conn *outermost(const ssp_conn *conn)
{
    const ssp_conn *at = conn;
    while (at->outer != NULL)
        at = at->outer;
    return (ssp_conn *)(uintptr_t)at;
}

bool ssp_conn_client(const ssp_conn *conn, char text[SSP_CLIENT_TEXT])
{
    struct ssp__address address = {.len = 0};
    struct ssp__endpoint e;
    char host[SSP_HOST_MAX];
    ssp_conn *outer = outermost(conn);
    text[0] = '\0';
    if (outer->client == NULL || !outer->client(outer, &address, false))
        return false;
    ssp__address_unmap(&address);
    ssp__endpoint_set_address(&e, &address);
    (void)snprintf(text, SSP_CLIENT_TEXT, "%s", ssp__endpoint_host(&e, host));
    return true;
}

void ssp_conn_name_client(ssp_conn *conn, const char *host)
{
    struct ssp__address address;
    ssp_conn *outer = outermost(conn);
    if (outer->client != NULL && !outer->spoken && ssp__address_parse(&address, host, 0) == 0)
        (void)outer->client(outer, &address, true);
}

void ssp_conn_why(ssp_conn *conn, const char *format, ...)
{
    char text[WHY_MAX];
    va_list args;
    if (conn->why != NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    conn->why = strdup(text);
}

void ssp_conn_random(const ssp_conn *conn, void *bytes, size_t n)
{
    if (conn->world == NULL)
        memset(bytes, 0, n);
    else
        conn->world->random(conn->world->arg, bytes, n);
}

int64_t ssp_conn_time(const ssp_conn *conn)
{
    return conn->world == NULL ? 0 : conn->world->unix_time(conn->world->arg);
}

static struct ssp__conn_timers *timers_of(ssp_conn *conn)
{
    if (conn->timers != NULL)
        return conn->timers;
    conn->timers = calloc(1, sizeof *conn->timers);
    if (conn->timers != NULL)
        conn->timers->due_ms[SSP_WRAP] = conn->timers->due_ms[SSP_UNWRAP] = SSP_NEVER;
    conn->timerless = conn->timers == NULL;
    return conn->timers;
}

static void set_timer(ssp_conn *conn, ssp_dir dir, uint64_t due_ms, bool fresh)
{
    if (due_ms == SSP_NEVER && conn->timers == NULL)
        return;
    struct ssp__conn_timers *t = timers_of(conn);
    if (t == NULL)
        return;
    t->due_ms[dir] = due_ms;
    t->fresh[dir] = fresh;
}

void ssp_conn_timer(ssp_conn *conn, ssp_dir dir, unsigned ms)
{
    set_timer(conn, dir, ms == 0 ? SSP_NEVER : ms, ms != 0);
}

void ssp__conn_timer_at(ssp_conn *conn, ssp_dir dir, uint64_t due_ms)
{
    set_timer(conn, dir, due_ms, false);
}

void ssp__conn_release(ssp_conn *conn)
{
    free(conn->why);
    free(conn->timers);
    conn->why = NULL;
    conn->timers = NULL;
}
