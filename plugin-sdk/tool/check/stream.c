/* SPDX-License-Identifier: Apache-2.0 */
#include "check/stream.h"

#include "base/retry.h"
#include "check/pattern.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BLOCK = 65536, BLOCKS_PER_TURN = 4, SIZES = 16, BITS = 32 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t may_say(const struct say *say)
{
    return say->head_len + least(say->allowed, say->total);
}

bool stream_said(const struct stream *stream)
{
    return stream->say.done == stream->say.head_len + stream->say.total;
}

bool stream_heard(const struct stream *stream)
{
    return stream->hear.done == stream->hear.total && stream->hear.wrong_at == NEVER;
}

void stream_update(struct stream *stream)
{
    short events = 0;
    if (stream->end == STREAM_OPEN && !stream->hear.deaf && !stream->connecting)
        events |= POLLIN;
    if (stream->end != STREAM_GONE &&
        (stream->connecting || stream->say.done < may_say(&stream->say)))
        events |= POLLOUT;
    stream->watch.events = events;
}

static void gone(struct stream *stream, int error)
{
    stream->end = STREAM_GONE;
    stream->error = error;
    stream->end_us = now_us();
}

static void connected(struct stream *stream)
{
    int error = 0;
    socklen_t len = sizeof error;
    stream->connecting = false;
    if (getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        error = errno;
    if (error != 0)
        gone(stream, error);
}

/* ---- saying ---- */

/* Short and long pieces alike: their lengths are even in number of bits, not in bytes. */
static size_t next_piece(struct say *say)
{
    uint64_t r = pattern_number(~say->seed, say->pieces++);
    uint64_t scale = UINT64_C(1) << ((r >> BITS) % SIZES);
    return (size_t)least(1 + (r & UINT32_MAX) % scale + (scale - 1), say->chunk);
}

static size_t compose(struct say *say, uint8_t block[BLOCK])
{
    uint64_t end = may_say(say);
    size_t n = (size_t)least(end - say->done, BLOCK), head = 0;
    if (say->chunk != 0) {
        if (say->left == 0)
            say->left = next_piece(say);
        n = (size_t)least(n, say->left);
    }
    if (say->done < say->head_len) {
        head = (size_t)least(say->head_len - say->done, n);
        memcpy(block, say->head + say->done, head);
    }
    pattern_fill(say->seed, say->done + head - say->head_len, block + head, n - head);
    return n;
}

static void speak(struct stream *stream)
{
    uint8_t block[BLOCK];
    struct say *say = &stream->say;
    for (int i = 0; i < BLOCKS_PER_TURN && say->done < may_say(say); i++) {
        size_t n = compose(say, block);
        ssize_t sent = ssp__send(stream->watch.fd, block, n, MSG_NOSIGNAL);
        if (sent == -1) {
            if (errno != EAGAIN)
                gone(stream, errno);
            return;
        }
        say->done += (uint64_t)sent;
        say->left -= say->chunk != 0 ? (size_t)sent : 0;
        if ((size_t)sent < n)
            return;
    }
}

static void finish(struct stream *stream)
{
    if (!stream->say.fin || stream->say.shut || !stream_said(stream) || stream->end == STREAM_GONE)
        return;
    stream->say.shut = true;
    (void)shutdown(stream->watch.fd, SHUT_WR);
}

/* ---- hearing ---- */

void stream_compare(struct stream *stream, const uint8_t *bytes, size_t n)
{
    struct hear *hear = &stream->hear;
    if (hear->wrong_at == NEVER) {
        uint64_t left = hear->total - hear->done;
        size_t expected = (size_t)least(n, left);
        size_t same = pattern_match(hear->seed, hear->done, bytes, expected);
        if (same < n)
            hear->wrong_at = hear->done + same;
    }
    hear->done += n;
}

static void listen_to(struct stream *stream)
{
    uint8_t block[BLOCK];
    for (int i = 0; i < BLOCKS_PER_TURN && stream->end == STREAM_OPEN && !stream->hear.deaf; i++) {
        ssize_t n = ssp__recv(stream->watch.fd, block, sizeof block, 0);
        if (n == -1 && errno == EAGAIN)
            return;
        if (n == -1) {
            gone(stream, errno);
            return;
        }
        uint64_t now = now_us();
        if (n == 0) {
            stream->end = STREAM_EOF;
            stream->end_us = now;
            return;
        }
        stream->last_us = now;
        scene_acknowledge(stream->watch.fd);
        if (stream->first_us == 0)
            stream->first_us = now;
        (stream->take != NULL ? stream->take : stream_compare)(stream, block, (size_t)n);
    }
}

static void act(struct watch *watch, short revents)
{
    struct stream *stream = (struct stream *)(void *)watch; /* its first member */
    if (stream->connecting && revents != 0)
        connected(stream);
    if (stream->end != STREAM_GONE && (revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        listen_to(stream);
    if (stream->end != STREAM_GONE && !stream->connecting)
        speak(stream);
    finish(stream);
    stream_update(stream);
    if (stream->after != NULL)
        stream->after(stream);
}

/* ---- life ---- */

void stream_open(struct stream *stream, struct scene *scene, int fd, bool connecting)
{
    stream->watch = (struct watch){.fd = fd, .due_us = NEVER, .act = act};
    stream->scene = scene;
    stream->connecting = connecting;
    stream->hear.wrong_at = NEVER;
    stream->begun_us = now_us();
    if (fd == -1)
        gone(stream, errno);
    stream_update(stream);
    scene_add(scene, &stream->watch);
}

void stream_close(struct stream *stream)
{
    if (stream->scene != NULL)
        scene_remove(stream->scene, &stream->watch);
    stream->scene = NULL;
}

const char *stream_why(const struct stream *stream, char text[STREAM_WHY_MAX])
{
    char ending[64] = "still open";
    if (stream->end == STREAM_EOF)
        (void)snprintf(ending, sizeof ending, "then end of file");
    if (stream->end == STREAM_GONE)
        (void)snprintf(ending, sizeof ending, "then %s", strerror(stream->error));
    if (stream->hear.wrong_at != NEVER)
        (void)snprintf(text, STREAM_WHY_MAX, "wrong byte at offset %" PRIu64 " of %" PRIu64 ", %s",
                       stream->hear.wrong_at, stream->hear.total, ending);
    else
        (void)snprintf(text, STREAM_WHY_MAX, "%" PRIu64 " of %" PRIu64 " bytes came, %s",
                       stream->hear.done, stream->hear.total, ending);
    return text;
}
