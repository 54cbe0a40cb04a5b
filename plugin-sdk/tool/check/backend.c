/* SPDX-License-Identifier: Apache-2.0 */
#include "check/backend.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { US = 1000 };

/* ---- an answer ---- */

static bool moment(const struct backend_conn *backend_conn)
{
    switch ((enum order_when)backend_conn->order.when) {
    case ORDER_AFTER_ALL:
        return stream_heard(&backend_conn->stream);
    case ORDER_AFTER_FIN:
        return backend_conn->stream.end == STREAM_EOF;
    default:
        return true;
    }
}

static void leave(struct backend_conn *backend_conn)
{
    if (backend_conn->closed_us != 0)
        return;
    backend_conn->closed_us = now_us();
    stream_close(&backend_conn->stream);
}

static void answer(struct backend_conn *backend_conn)
{
    struct stream *stream = &backend_conn->stream;
    bool paced = backend_conn->order.when == ORDER_PACED;
    stream->say.allowed = paced ? stream->hear.done : NEVER;
    stream_update(stream);
}

static void begin_answer(struct backend_conn *backend_conn)
{
    struct stream *stream = &backend_conn->stream;
    backend_conn->answering = true;
    if (backend_conn->order.delay_ms > 0)
        stream->watch.due_us = now_us() + (uint64_t)backend_conn->order.delay_ms * US;
    else
        answer(backend_conn);
}

/* The backend closes after the client, unless the order lets it close first. */
static bool finished(const struct backend_conn *backend_conn)
{
    const struct stream *stream = &backend_conn->stream;
    if (stream->end == STREAM_GONE)
        return true;
    if (!backend_conn->ordered)
        return stream->end == STREAM_EOF;
    return stream_said(stream) &&
           (stream->end == STREAM_EOF || (backend_conn->order.close && stream_heard(stream)));
}

static void after(struct stream *stream)
{
    struct backend_conn *backend_conn =
        (struct backend_conn *)(void *)stream; /* its first member */
    if (!backend_conn->wrong && stream->hear.wrong_at != NEVER) {
        backend_conn->wrong = true;
        backend_conn->backend->wrong++;
    }
    if (backend_conn->ordered && !backend_conn->answering && moment(backend_conn))
        begin_answer(backend_conn);
    else if (backend_conn->answering && stream->watch.due_us == NEVER)
        answer(backend_conn);
    if (finished(backend_conn))
        leave(backend_conn);
}

/* ---- an order ---- */

static void note_foreign(struct backend_conn *backend_conn, const uint8_t *bytes, size_t n)
{
    struct backend *backend = backend_conn->backend;
    if (!backend_conn->foreign)
        backend->foreign++;
    backend_conn->foreign = true;
    size_t room = FOREIGN_SAMPLE - backend->sample_len, some = n < room ? n : room;
    if (backend->foreign_bytes == backend->sample_len)
        memcpy(backend->sample + backend->sample_len, bytes, some);
    if (backend->foreign_bytes == backend->sample_len)
        backend->sample_len += some;
    backend->foreign_bytes += n;
}

static void take_order(struct backend_conn *backend_conn)
{
    struct stream *stream = &backend_conn->stream;
    if (order_read(&backend_conn->order, backend_conn->begun) == -1) {
        note_foreign(backend_conn, backend_conn->begun, backend_conn->begun_len);
        return;
    }
    backend_conn->ordered = true;
    backend_conn->backend->ordered++;
    stream->hear.seed = backend_conn->order.seed;
    stream->hear.total = backend_conn->order.up;
    stream->hear.deaf = backend_conn->order.deaf;
    stream->say.seed = order_answer_seed(&backend_conn->order);
    stream->say.total = backend_conn->order.down;
    stream->say.allowed = 0;
    stream->say.chunk = backend_conn->order.chunk;
    stream->take = NULL;
}

static void take(struct stream *stream, const uint8_t *bytes, size_t n)
{
    struct backend_conn *backend_conn =
        (struct backend_conn *)(void *)stream; /* its first member */
    if (backend_conn->foreign) {
        note_foreign(backend_conn, bytes, n);
        return;
    }
    size_t room = ORDER_SIZE - backend_conn->begun_len, some = n < room ? n : room;
    memcpy(backend_conn->begun + backend_conn->begun_len, bytes, some);
    backend_conn->begun_len += some;
    if (order_resembles(backend_conn->begun, backend_conn->begun_len) < backend_conn->begun_len)
        note_foreign(backend_conn, backend_conn->begun, backend_conn->begun_len);
    else if (backend_conn->begun_len == ORDER_SIZE)
        take_order(backend_conn);
    if (n == some)
        return;
    if (backend_conn->ordered)
        stream_compare(stream, bytes + some, n - some);
    else
        note_foreign(backend_conn, bytes + some, n - some);
}

/* ---- life ---- */

static void welcome(struct watch *watch, short revents)
{
    struct backend *backend = (struct backend *)(void *)watch; /* its first member */
    (void)revents;
    for (int fd; (fd = scene_accept(watch->fd)) != -1;) {
        struct backend_conn *backend_conn = must_alloc(1, sizeof *backend_conn);
        backend_conn->stream.take = take;
        backend_conn->stream.after = after;
        backend_conn->backend = backend;
        backend_conn->next = backend->conns;
        backend->conns = backend_conn;
        backend->accepted++;
        stream_open(&backend_conn->stream, backend->scene, fd, false);
    }
}

int backend_open(struct backend *backend, struct scene *scene)
{
    *backend = (struct backend){.scene = scene};
    int fd = scene_listen(&backend->port);
    if (fd == -1)
        return -1;
    backend->watch = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = welcome};
    scene_add(scene, &backend->watch);
    return 0;
}

void backend_refuse(struct backend *backend)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons(backend->port)};
    scene_remove(backend->scene, &backend->watch);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd != -1)
        (void)bind(fd, (struct sockaddr *)&a, sizeof a); /* bound, and does not listen */
    backend->watch = (struct watch){.fd = fd, .due_us = NEVER, .act = welcome};
    scene_add(backend->scene, &backend->watch);
}

void backend_forget(struct backend *backend)
{
    while (backend->conns != NULL) {
        struct backend_conn *backend_conn = backend->conns;
        backend->conns = backend_conn->next;
        stream_close(&backend_conn->stream);
        free(backend_conn);
    }
    backend->accepted = backend->ordered = backend->foreign = backend->wrong = 0;
    backend->foreign_bytes = 0;
    backend->sample_len = 0;
}

void backend_close(struct backend *backend)
{
    backend_forget(backend);
    if (backend->scene != NULL)
        scene_remove(backend->scene, &backend->watch);
    backend->scene = NULL;
}

struct backend_conn *backend_find(const struct backend *backend, uint64_t seed)
{
    for (struct backend_conn *backend_conn = backend->conns; backend_conn != NULL;
         backend_conn = backend_conn->next) {
        if (backend_conn->ordered && backend_conn->order.seed == seed)
            return backend_conn;
    }
    return NULL;
}
