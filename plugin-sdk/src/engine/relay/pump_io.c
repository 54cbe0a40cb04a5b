/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pump_io.h"

#include "relay/throttle.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <string.h>

enum {
    BULK_READ = 32 * 1024,  /* after a read of this size: splice from now on */
    CALM_READ = 64 * 1024,  /* the most that is read at once before */
    BULK_SPLICE = 4 * 1024, /* after a splice below this: copy again */
    ABSORB_READ = 64 * 1024,
    WHY_EVERY_MS = 1000 /* a log line about a refusal */
};

void ssp__pump_io_code(struct ssp__session *s, bool coded)
{
    ssp_dir up = s->service->coded == SSP_DIALED ? SSP_WRAP : SSP_UNWRAP;
    struct ssp__pump *pump[] = {&s->dir[SSP_ACCEPTED].pump, &s->dir[SSP_DIALED].pump};
    ssp__pump_init(pump[0], ssp__session_codec(s), up);
    ssp__pump_init(pump[1], ssp__session_codec(s), up == SSP_WRAP ? SSP_UNWRAP : SSP_WRAP);
    if (!coded)
        pump[0]->fn = pump[1]->fn = NULL;
}

void ssp__direction_drop(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    if (d->state != SSP_CUT)
        d->state = SSP_DROPPED;
    d->stalled = false;
    ssp__bytes_clear(&d->pump.in, &s->worker->pool);
    ssp__bytes_clear(&d->pump.out, &s->worker->pool);
    ssp__pipe_give(&s->worker->pipes, d->pipe);
    d->pipe = NULL;
}

/* Sends the last reply of the codec to a refused peer, such as an alert: at once or not at all. */
static void say_last_word(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    struct ssp__stream *to = &s->side[ssp__other(from)];
    size_t waiting = ssp__bytes_len(&d->pump.out);
    struct iovec piece = {(void *)(uintptr_t)ssp__bytes_data(&d->pump.out), waiting};
    if (waiting > 0 && to->fd != -1 && d->pipe == NULL && !s->dead[ssp__other(from)])
        (void)ssp__stream_write(to, &piece, 1);
}

void ssp__pump_io_cut(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__front_pump *front = ssp__session_answering(s) ? &s->greeting->front : NULL;
    if (from == SSP_DIALED && front != NULL && s->dir[from].state == SSP_OPEN) {
        front->reach = SSP_LOST;
        front->ended = s->dir[from].eof = true;
        return;
    }
    s->dir[from].state = SSP_CUT;
    say_last_word(s, ssp__other(from));
    ssp__direction_drop(s, ssp__other(from));
}

void ssp__session_note(struct ssp__session *s, enum ssp__way_event event)
{
    uint64_t now_ms = ssp__loop_now_ms(s->worker->loop);
    bool timed = event == SSP_WAY_ANSWERED && s->dialed_ms != 0;
    if (s->way == NULL || s->noted)
        return;
    s->noted = true;
    s->way->note(s->way->arg, event, timed ? (uint32_t)now_ms - s->dialed_ms : 0);
}

/* The dialed side has ended, or is not understood, before its first byte. */
static void note_silence(struct ssp__session *s, enum ssp__side from)
{
    if (from == SSP_DIALED && !s->dir[SSP_ACCEPTED].eof && !s->dead[SSP_ACCEPTED])
        ssp__session_note(s, SSP_WAY_FAILED);
}

/* Writing failed.  Bytes that the receiver itself had sent before may still be read from it, unless
 * the error is of this machine: then the peer waits for bytes that are lost.  A front that stays
 * would wait for the rest of an answer, and read nothing more.  A fallback that the session leaves
 * in this turn may be gone. */
static void receiver_gone(struct ssp__session *s, enum ssp__side from)
{
    if (from == SSP_ACCEPTED && ssp__session_recalled(s))
        return;
    s->dead[ssp__other(from)] = true;
    if (!ssp__stream_ended(&s->side[ssp__other(from)]))
        s->broken = true;
    ssp__direction_drop(s, from);
    if (from == SSP_DIALED && s->state != SSP_GREET && ssp__session_fronted(s))
        ssp__pump_io_cut(s, SSP_ACCEPTED);
}

bool ssp__session_shakes_hands(const struct ssp__session *s)
{
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED], *down = &s->dir[SSP_DIALED];
    bool held = up->pump.fn != NULL && ssp__bytes_len(&up->pump.in) > 0;
    bool waits = down->pump.fn != NULL && down->pump.waits;
    return s->service->coded == SSP_DIALED && (held || waits) && ssp__direction_flushed(up);
}

/* n counts plain bytes: the input of a codec that wraps, or the output of one that unwraps.  Only
 * that is traffic: bytes of the codec itself, such as a keep-alive, are none. */
static void count(struct ssp__session *s, enum ssp__side from, size_t n, size_t wire,
                  uint64_t now_ms)
{
    struct ssp__counters *c = &s->instance->meter->counters;
    ssp__count(from == SSP_ACCEPTED ? &c->bytes_up : &c->bytes_down, n);
    ssp__count(from == SSP_ACCEPTED ? &c->wire_up : &c->wire_down, wire);
    if (s->record != NULL)
        *(from == SSP_ACCEPTED ? &s->record->up : &s->record->down) += n;
    if (n > 0)
        s->active_ms = now_ms;
    if (ssp__throttle_applies(s))
        ssp__throttle_take(s, n);
    if (n > 0 && from == SSP_DIALED)
        ssp__session_note(s, SSP_WAY_ANSWERED);
}

/* Queues the pieces behind the first `written` bytes. */
static void queue_rest(struct ssp__session *s, struct ssp__bytes *queue, size_t written)
{
    const ssp_io *io = &s->worker->io;
    for (unsigned i = 0; i < io->pieces; i++) {
        const struct iovec *piece = &io->piece[i];
        size_t gone = written < piece->iov_len ? written : piece->iov_len;
        written -= gone;
        if (ssp__bytes_append(queue, &s->worker->pool, (const uint8_t *)piece->iov_base + gone,
                              piece->iov_len - gone) == -1)
            s->broken = true;
    }
}

/* The pieces of the view go to the receiver, or wait for it. */
static void send_pieces(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    struct ssp__stream *to = &s->side[ssp__other(from)];
    const ssp_io *io = &s->worker->io;
    ssize_t written = 0;
    if (io->total == 0 || d->state == SSP_DROPPED)
        return;
    if (to->fd != -1 && ssp__direction_flushed(d))
        written = ssp__stream_write(to, io->piece, io->pieces);
    if (written == SSP_GONE) {
        receiver_gone(s, from);
        return;
    }
    if (written < (ssize_t)io->total)
        queue_rest(s, &d->pump.out, written > 0 ? (size_t)written : 0);
}

static void deliver(struct ssp__session *s, enum ssp__side from)
{
    if (from == SSP_DIALED && ssp__session_answering(s))
        queue_rest(s, &s->greeting->front.answer.in, 0);
    else
        send_pieces(s, from);
}

/* Failures in GREET are logged there.  A client's connections go to one server, and each may fail
 * for the same reason. */
static void say_why(struct ssp__session *s)
{
    struct ssp__worker *w = s->worker;
    uint64_t now = ssp__loop_now_ms(w->loop);
    if (s->conn.why == NULL || s->state == SSP_GREET)
        return;
    if (s->service->role == SSP_SERVER) {
        ssp_debug("%s: %s", s->service->name, s->conn.why);
    } else if (w->why_ms == 0 || now - w->why_ms >= WHY_EVERY_MS) {
        ssp_error("%s: %s", s->service->name, s->conn.why);
        w->why_ms = now;
    }
}

static void note_verdict(struct ssp__session *s, enum ssp__side from, ssp_verdict verdict)
{
    struct ssp__direction *d = &s->dir[from];
    if (d->pump.rule != NULL && ssp__log_limit_take(s->worker->failures))
        ssp_error("%s: codec %s %s: connection ended", s->service->name,
                  ssp__session_codec(s)->name, d->pump.rule);
    d->stalled = verdict == SSP_OK && d->state == SSP_OPEN;
    if (verdict == SSP_END && from == SSP_DIALED && ssp__session_answering(s)) {
        s->greeting->front.ended = d->eof = true;
    } else if (verdict == SSP_END && d->state == SSP_OPEN) {
        d->state = SSP_ENDING;
    } else if (verdict == SSP_FOREIGN && s->state == SSP_GREET) {
        s->foreign = true;
    } else if (verdict == SSP_FOREIGN || verdict == SSP_FAIL) {
        note_silence(s, from);
        say_why(s);
        ssp__pump_io_cut(s, from);
    }
}

/* Runs the codec over len bytes at in; worker->io then holds the unread rest. */
static void transform(struct ssp__session *s, enum ssp__side from, const uint8_t *in, size_t len)
{
    struct ssp__direction *d = &s->dir[from], *back = &s->dir[ssp__other(from)];
    ssp_io *io = &s->worker->io;
    ssp_verdict verdict;
    io->in = in;
    io->in_len = len;
    io->eof = d->eof && !(from == SSP_ACCEPTED && ssp__session_fronted(s));
    io->reply = back->state == SSP_OPEN ? &back->pump.out : NULL;
    io->now_ms = ssp__loop_now_ms(s->worker->loop);
    do {
        size_t unread = io->in_len;
        io->timed = ssp__direction_flushed(d);
        ssp__pump_begin(&d->pump, io);
        verdict = ssp__pump_run(&d->pump, &s->conn, s->codec_state, io);
        ssp__pump_finish(&d->pump, io);
        size_t eaten = unread - io->in_len;
        bool unwraps = from == s->service->coded;
        count(s, from, unwraps ? io->total : eaten, unwraps ? eaten : io->total, io->now_ms);
        deliver(s, from);
    } while (verdict == SSP_OK && ssp__direction_flushed(d) && d->state == SSP_OPEN);
    note_verdict(s, from, verdict);
}

static void set_splicing(struct ssp__direction *d, bool worth_it)
{
    if (d->splicing != SSP_COPY_ALWAYS)
        d->splicing = worth_it ? SSP_SPLICE : SSP_COPY;
}

/* The most that is read at once: bytes that the receiver does not take have to wait in memory.  A
 * read of BULK_READ leaves no more than that, and still fills a socket, which may grow then. */
static size_t read_limit(const struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__stream *to = &s->side[ssp__other(from)];
    if (s->dir[from].splicing == SSP_COPY || to->fd == -1)
        return CALM_READ;
    size_t room = ssp__stream_room(to);
    return room > BULK_READ ? room : BULK_READ;
}

/* The most that the limits of the server, and of its user, let pass now.  0: nothing is to be read.
 */
static size_t allowed(struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__instance *i = s->instance;
    if (ssp__allowance_spent(&i->meter->allowance, &i->meter->counters)) {
        ssp__pump_io_cut(s, from);
        return 0;
    }
    return ssp__throttle_applies(s) ? ssp__throttle_room(s) : SIZE_MAX;
}

/* Reads at most `most` bytes behind those that wait already, all in scratch.  Returns the bytes
 * there, or -1 when there is nothing to do. */
static ssize_t fill(struct ssp__session *s, enum ssp__side from, const struct ssp__bytes *waiting,
                    size_t most)
{
    struct ssp__direction *d = &s->dir[from];
    uint8_t *in = s->worker->in;
    size_t held = ssp__bytes_len(waiting), limit = read_limit(s, from);
    if (most > limit)
        most = limit;
    if (held > 0)
        memcpy(in, ssp__bytes_data(waiting), held);
    if (most > SSP_WINDOW - held)
        most = SSP_WINDOW - held;
    ssize_t n = ssp__stream_read(&s->side[from], in + held, most);
    if (n == SSP_AGAIN)
        return -1;
    if (n == 0 || n == SSP_GONE)
        note_silence(s, from);
    if (n == SSP_GONE || (n == 0 && s->dead[from])) {
        s->dead[from] = true;
        ssp__pump_io_cut(s, from);
        return -1;
    }
    d->eof = n == 0;
    set_splicing(d, n >= BULK_READ);
    if (n > CALM_READ)
        ssp__worker_read_much(s->worker);
    return (ssize_t)held + n;
}

static void keep(struct ssp__session *s, struct ssp__bytes *in, const uint8_t *bytes, size_t n)
{
    ssp__bytes_clear(in, &s->worker->pool);
    if (ssp__bytes_append(in, &s->worker->pool, bytes, n) == -1)
        s->broken = true;
}

static void push_pipe(struct ssp__session *s, enum ssp__side from, struct ssp__pipe *pipe)
{
    struct ssp__direction *d = &s->dir[from];
    ssize_t n = ssp__stream_splice_out(&s->side[ssp__other(from)], pipe->read_fd, pipe->held);
    if (n == SSP_GONE) {
        receiver_gone(s, from);
        return;
    }
    if (n > 0)
        pipe->held -= (size_t)n;
    if (pipe->held > 0)
        return;
    ssp__pipe_give(&s->worker->pipes, pipe);
    d->pipe = NULL;
}

/* Returns false when the bytes have to be copied after all. */
static bool splice_turn(struct ssp__session *s, enum ssp__side from, size_t most)
{
    struct ssp__direction *d = &s->dir[from];
    struct ssp__pipe *pipe = ssp__pipe_take(&s->worker->pipes);
    if (pipe == NULL)
        return false;
    ssize_t n = ssp__stream_splice_in(&s->side[from], pipe->write_fd,
                                      most < SSP_PIPE_SIZE ? most : SSP_PIPE_SIZE);
    if (n <= 0)
        ssp__pipe_give(&s->worker->pipes, pipe);
    /* Urgent data blocks a splice for ever, but not a read. */
    if (n == SSP_AGAIN)
        d->splicing = SSP_COPY;
    if (n == SSP_GONE && s->side[from].error == EINVAL)
        d->splicing = SSP_COPY_ALWAYS;
    if (n == SSP_GONE && s->side[from].error == ENOMEM)
        d->splicing = SSP_COPY;
    if (d->splicing != SSP_SPLICE)
        return false;
    if (n == SSP_GONE || (n == 0 && s->dead[from])) {
        s->dead[from] = true;
        ssp__pump_io_cut(s, from);
    } else if (n == 0) {
        d->eof = true;
        d->state = SSP_ENDING;
    } else if (n > 0) {
        count(s, from, (size_t)n, (size_t)n, ssp__loop_now_ms(s->worker->loop));
        pipe->held = (size_t)n;
        d->pipe = pipe;
        set_splicing(d, n >= BULK_SPLICE);
        push_pipe(s, from, pipe);
    }
    return true;
}

static bool worth_a_splice(const struct ssp__direction *d)
{
    return d->splicing == SSP_SPLICE && d->pump.fn == NULL && ssp__bytes_len(&d->pump.in) == 0;
}

/* len bytes in scratch go through the codec; those that it leaves unread wait. */
static void digest(struct ssp__session *s, enum ssp__side from, size_t len)
{
    struct ssp__direction *d = &s->dir[from];
    transform(s, from, s->worker->in, len);
    if (s->worker->io.in_len > 0 || ssp__session_shakes_hands(s))
        s->active_ms = s->worker->io.now_ms; /* part of a message, or a handshake that goes on */
    if (s->worker->io.in_len > 0 || ssp__bytes_len(&d->pump.in) > 0)
        keep(s, &d->pump.in, s->worker->io.in, d->state < SSP_CUT ? s->worker->io.in_len : 0);
}

uint8_t *ssp__pump_io_lend(struct ssp__session *s, enum ssp__side from, size_t *room)
{
    const struct ssp__bytes *waiting = &s->dir[from].pump.in;
    size_t held = ssp__bytes_len(waiting);
    if (held > 0)
        memcpy(s->worker->in, ssp__bytes_data(waiting), held);
    *room = SSP_WINDOW - held;
    return s->worker->in + held;
}

void ssp__pump_io_feed(struct ssp__session *s, enum ssp__side from, size_t n)
{
    digest(s, from, ssp__bytes_len(&s->dir[from].pump.in) + n);
}

void ssp__pump_io_read(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    bool answers = from == SSP_DIALED && ssp__session_answering(s);
    size_t most = allowed(s, from);
    if (most == 0 || (worth_a_splice(d) && !answers && s->side[ssp__other(from)].fd != -1 &&
                      splice_turn(s, from, most)))
        return;
    ssize_t len = fill(s, from, &d->pump.in, most);
    if (len >= 0)
        digest(s, from, (size_t)len);
}

void ssp__pump_io_store(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__bytes *in = from == SSP_ACCEPTED && ssp__session_fronted(s)
                                ? &s->greeting->front.pump.in
                                : &s->dir[from].pump.in;
    size_t most = allowed(s, from);
    ssize_t len = most > 0 ? fill(s, from, in, most) : -1;
    if (len >= 0)
        keep(s, in, s->worker->in, (size_t)len);
}

/* The end of the client's direction, or a failure of the front, is passed to the codec too. */
static void note_front(struct ssp__session *s, ssp_verdict verdict)
{
    const struct ssp__front_pump *f = &s->greeting->front;
    if (f->pump.rule != NULL && ssp__log_limit_take(s->worker->failures))
        ssp_error("%s: front %s %s: connection ended", s->service->name, f->front->name,
                  f->pump.rule);
    if (verdict == SSP_END && ssp__target_known(&f->target))
        s->dir[SSP_ACCEPTED].eof = true;
    else if (verdict == SSP_FAIL && s->state != SSP_GREET)
        ssp__pump_io_cut(s, SSP_ACCEPTED);
}

ssp_verdict ssp__pump_io_front(struct ssp__session *s)
{
    struct ssp__pump *pump = &s->greeting->front.pump, *up = &s->dir[SSP_ACCEPTED].pump;
    ssp_io *io = &s->worker->io;
    size_t len = ssp__bytes_len(&pump->in);
    ssp_verdict verdict;
    if (ssp__session_replacing(s) || ssp__session_replies(s))
        return SSP_MORE;
    io->in = ssp__bytes_data(&pump->in);
    io->in_len = len;
    io->eof = s->dir[SSP_ACCEPTED].eof;
    io->reply = &s->dir[SSP_DIALED].pump.out;
    do {
        ssp__pump_begin(pump, io);
        verdict = ssp__front_pump_run(&s->greeting->front, io);
        ssp__pump_finish(pump, io);
        queue_rest(s, s->service->coded == SSP_DIALED ? &up->in : &up->out, 0);
    } while (verdict == SSP_OK);
    ssp__bytes_take(&pump->in, &s->worker->pool, len - io->in_len);
    note_front(s, verdict);
    return verdict;
}

/* The target has nothing more to say, and need not hear more. */
static void end_answer(struct ssp__session *s, ssp_verdict verdict)
{
    struct ssp__front_pump *f = &s->greeting->front;
    bool stands = f->reach == SSP_REACHED;
    f->ended = false;
    ssp__bytes_clear(&f->answer.in, &s->worker->pool);
    if (verdict == SSP_FAIL) {
        ssp__pump_io_cut(s, SSP_DIALED);
        return;
    }
    s->dir[SSP_DIALED].state = SSP_ENDING;
    if (!stands)
        ssp__direction_drop(s, SSP_ACCEPTED);
}

void ssp__pump_io_answer(struct ssp__session *s)
{
    struct ssp__front_pump *f = &s->greeting->front;
    struct ssp__direction *d = &s->dir[SSP_DIALED];
    ssp_io *io = &s->worker->io;
    size_t len = ssp__bytes_len(&f->answer.in);
    ssp_verdict verdict;
    io->in = ssp__bytes_data(&f->answer.in);
    io->in_len = len;
    io->eof = f->ended;
    io->reply = NULL;
    do {
        ssp__pump_begin(&f->answer, io);
        verdict = ssp__front_pump_answer(f, io);
        ssp__pump_finish(&f->answer, io);
        send_pieces(s, SSP_DIALED);
    } while (verdict == SSP_OK && ssp__direction_flushed(d) && d->state == SSP_OPEN);
    ssp__bytes_take(&f->answer.in, &s->worker->pool, len - io->in_len);
    if (f->answer.rule != NULL && ssp__log_limit_take(s->worker->failures))
        ssp_error("%s: front %s %s: connection ended", s->service->name, f->front->name,
                  f->answer.rule);
    if (verdict == SSP_END || verdict == SSP_FAIL)
        end_answer(s, verdict);
}

/* Until the end of the turn that recalls a session its dialed side is still the fallback. */
void ssp__pump_io_run(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    if (ssp__session_recalled(s))
        return;
    size_t len = ssp__bytes_len(&d->pump.in);
    transform(s, from, ssp__bytes_data(&d->pump.in), len);
    if (d->state < SSP_CUT)
        ssp__bytes_take(&d->pump.in, &s->worker->pool, len - s->worker->io.in_len);
}

void ssp__pump_io_flush(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    struct ssp__stream *to = &s->side[ssp__other(from)];
    size_t waiting = ssp__bytes_len(&d->pump.out);
    if (waiting > 0) {
        struct iovec piece = {(void *)(uintptr_t)ssp__bytes_data(&d->pump.out), waiting};
        ssize_t n = ssp__stream_write(to, &piece, 1);
        if (n == SSP_GONE)
            receiver_gone(s, from);
        else if (n > 0)
            ssp__bytes_take(&d->pump.out, &s->worker->pool, (size_t)n);
    }
    if (d->pipe != NULL && ssp__bytes_len(&d->pump.out) == 0)
        push_pipe(s, from, d->pipe);
    if (d->stalled && ssp__direction_flushed(d))
        ssp__pump_io_run(s, from);
}

/* A write that moved nothing may have been interrupted: it is tried once more. */
void ssp__pump_io_flush_all(struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__bytes *out = &s->dir[from].pump.out;
    for (unsigned in_vain = 0; ssp__bytes_len(out) > 0 && in_vain < 2;) {
        size_t before = ssp__bytes_len(out);
        ssp__pump_io_flush(s, from);
        in_vain = ssp__bytes_len(out) < before ? 0 : in_vain + 1;
    }
}

bool ssp__pump_io_absorb(struct ssp__session *s, enum ssp__side from)
{
    ssize_t n = ssp__stream_discard(&s->side[from], ABSORB_READ);
    if (n == 0 || n == SSP_GONE)
        s->dir[from].eof = true;
    return n == ABSORB_READ;
}
