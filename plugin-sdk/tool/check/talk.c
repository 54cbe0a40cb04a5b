/* SPDX-License-Identifier: Apache-2.0 */
#include "check/talk.h"

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

bool talk_said(const struct talk *talk)
{
    return talk->say.done == talk->say.head_len + talk->say.total;
}

bool talk_heard(const struct talk *talk)
{
    return talk->hear.done == talk->hear.total && talk->hear.wrong_at == NEVER;
}

void talk_update(struct talk *talk)
{
    short events = 0;
    if (talk->end == TALK_OPEN && !talk->hear.deaf && !talk->connecting)
        events |= POLLIN;
    if (talk->end != TALK_GONE && (talk->connecting || talk->say.done < may_say(&talk->say)))
        events |= POLLOUT;
    talk->part.events = events;
}

static void gone(struct talk *talk, int error)
{
    talk->end = TALK_GONE;
    talk->error = error;
    talk->end_us = now_us();
}

static void connected(struct talk *talk)
{
    int error = 0;
    socklen_t len = sizeof error;
    talk->connecting = false;
    if (getsockopt(talk->part.fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        error = errno;
    if (error != 0)
        gone(talk, error);
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

static void speak(struct talk *talk)
{
    uint8_t block[BLOCK];
    struct say *say = &talk->say;
    for (int i = 0; i < BLOCKS_PER_TURN && say->done < may_say(say); i++) {
        size_t n = compose(say, block);
        ssize_t sent = send(talk->part.fd, block, n, MSG_NOSIGNAL);
        if (sent == -1) {
            if (errno != EAGAIN)
                gone(talk, errno);
            return;
        }
        say->done += (uint64_t)sent;
        say->left -= say->chunk != 0 ? (size_t)sent : 0;
        if ((size_t)sent < n)
            return;
    }
}

static void finish(struct talk *talk)
{
    if (!talk->say.fin || talk->say.shut || !talk_said(talk) || talk->end == TALK_GONE)
        return;
    talk->say.shut = true;
    (void)shutdown(talk->part.fd, SHUT_WR);
}

/* ---- hearing ---- */

void talk_compare(struct talk *talk, const uint8_t *bytes, size_t n)
{
    struct hear *hear = &talk->hear;
    if (hear->wrong_at == NEVER) {
        uint64_t left = hear->total - hear->done;
        size_t expected = (size_t)least(n, left);
        size_t same = pattern_match(hear->seed, hear->done, bytes, expected);
        if (same < n)
            hear->wrong_at = hear->done + same;
    }
    hear->done += n;
}

static void listen_to(struct talk *talk)
{
    uint8_t block[BLOCK];
    for (int i = 0; i < BLOCKS_PER_TURN && talk->end == TALK_OPEN && !talk->hear.deaf; i++) {
        ssize_t n = recv(talk->part.fd, block, sizeof block, 0);
        if (n == -1 && errno == EAGAIN)
            return;
        if (n == -1) {
            gone(talk, errno);
            return;
        }
        uint64_t now = now_us();
        if (n == 0) {
            talk->end = TALK_EOF;
            talk->end_us = now;
            return;
        }
        talk->last_us = now;
        scene_acknowledge(talk->part.fd);
        if (talk->first_us == 0)
            talk->first_us = now;
        (talk->take != NULL ? talk->take : talk_compare)(talk, block, (size_t)n);
    }
}

static void act(struct part *part, short revents)
{
    struct talk *talk = (struct talk *)(void *)part; /* its first member */
    if (talk->connecting && revents != 0)
        connected(talk);
    if (talk->end != TALK_GONE && (revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        listen_to(talk);
    if (talk->end != TALK_GONE && !talk->connecting)
        speak(talk);
    finish(talk);
    talk_update(talk);
    if (talk->after != NULL)
        talk->after(talk);
}

/* ---- life ---- */

void talk_open(struct talk *talk, struct scene *scene, int fd, bool connecting)
{
    talk->part = (struct part){.fd = fd, .due_us = NEVER, .act = act};
    talk->scene = scene;
    talk->connecting = connecting;
    talk->hear.wrong_at = NEVER;
    talk->begun_us = now_us();
    if (fd == -1)
        gone(talk, errno);
    talk_update(talk);
    scene_add(scene, &talk->part);
}

void talk_close(struct talk *talk)
{
    if (talk->scene != NULL)
        scene_remove(talk->scene, &talk->part);
    talk->scene = NULL;
}

void talk_abort(struct talk *talk)
{
    if (talk->part.fd != -1)
        scene_abort(talk->part.fd);
    talk_close(talk);
}

const char *talk_why(const struct talk *talk, char text[TALK_WHY_MAX])
{
    char ending[64] = "still open";
    if (talk->end == TALK_EOF)
        (void)snprintf(ending, sizeof ending, "then end of file");
    if (talk->end == TALK_GONE)
        (void)snprintf(ending, sizeof ending, "then %s", strerror(talk->error));
    if (talk->hear.wrong_at != NEVER)
        (void)snprintf(text, TALK_WHY_MAX, "wrong byte at offset %" PRIu64 " of %" PRIu64 ", %s",
                       talk->hear.wrong_at, talk->hear.total, ending);
    else
        (void)snprintf(text, TALK_WHY_MAX, "%" PRIu64 " of %" PRIu64 " bytes came, %s",
                       talk->hear.done, talk->hear.total, ending);
    return text;
}
