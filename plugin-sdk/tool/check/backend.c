/* SPDX-License-Identifier: Apache-2.0 */
#include "check/backend.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { US = 1000 };

/* ---- an answer ---- */

static bool moment(const struct guest *guest)
{
    switch ((enum order_when)guest->order.when) {
    case ORDER_AFTER_ALL:
        return talk_heard(&guest->talk);
    case ORDER_AFTER_FIN:
        return guest->talk.end == TALK_EOF;
    default:
        return true;
    }
}

static void leave(struct guest *guest)
{
    if (guest->closed_us != 0)
        return;
    guest->closed_us = now_us();
    talk_close(&guest->talk);
}

static void answer(struct guest *guest)
{
    struct talk *talk = &guest->talk;
    bool paced = guest->order.when == ORDER_PACED;
    talk->say.allowed = paced ? talk->hear.done : NEVER;
    talk_update(talk);
}

static void begin_answer(struct guest *guest)
{
    struct talk *talk = &guest->talk;
    guest->answering = true;
    if (guest->order.delay_ms > 0)
        talk->part.due_us = now_us() + (uint64_t)guest->order.delay_ms * US;
    else
        answer(guest);
}

/* A client that waits for our end gets it; any other one has closed already. */
static bool finished(const struct guest *guest)
{
    const struct talk *talk = &guest->talk;
    if (talk->end == TALK_GONE)
        return true;
    if (!guest->ordered)
        return talk->end == TALK_EOF;
    return talk_said(talk) && (talk->end == TALK_EOF || (guest->order.close && talk_heard(talk)));
}

static void after(struct talk *talk)
{
    struct guest *guest = (struct guest *)(void *)talk; /* its first member */
    if (!guest->wrong && talk->hear.wrong_at != NEVER) {
        guest->wrong = true;
        guest->backend->wrong++;
    }
    if (guest->ordered && !guest->answering && moment(guest))
        begin_answer(guest);
    else if (guest->answering && talk->part.due_us == NEVER)
        answer(guest);
    if (finished(guest))
        leave(guest);
}

/* ---- an order ---- */

static void note_foreign(struct guest *guest, const uint8_t *bytes, size_t n)
{
    struct backend *backend = guest->backend;
    if (!guest->foreign)
        backend->foreign++;
    guest->foreign = true;
    size_t room = FOREIGN_SAMPLE - backend->sample_len, some = n < room ? n : room;
    if (backend->foreign_bytes == backend->sample_len)
        memcpy(backend->sample + backend->sample_len, bytes, some);
    if (backend->foreign_bytes == backend->sample_len)
        backend->sample_len += some;
    backend->foreign_bytes += n;
}

static void take_order(struct guest *guest)
{
    struct talk *talk = &guest->talk;
    if (order_read(&guest->order, guest->begun) == -1) {
        note_foreign(guest, guest->begun, guest->begun_len);
        return;
    }
    guest->ordered = true;
    guest->backend->ordered++;
    talk->hear.seed = guest->order.seed;
    talk->hear.total = guest->order.up;
    talk->hear.deaf = guest->order.deaf;
    talk->say.seed = order_answer_seed(&guest->order);
    talk->say.total = guest->order.down;
    talk->say.allowed = 0;
    talk->say.chunk = guest->order.chunk;
    talk->take = NULL;
}

static void take(struct talk *talk, const uint8_t *bytes, size_t n)
{
    struct guest *guest = (struct guest *)(void *)talk; /* its first member */
    if (guest->foreign) {
        note_foreign(guest, bytes, n);
        return;
    }
    size_t room = ORDER_SIZE - guest->begun_len, some = n < room ? n : room;
    memcpy(guest->begun + guest->begun_len, bytes, some);
    guest->begun_len += some;
    if (order_resembles(guest->begun, guest->begun_len) < guest->begun_len)
        note_foreign(guest, guest->begun, guest->begun_len);
    else if (guest->begun_len == ORDER_SIZE)
        take_order(guest);
    if (n == some)
        return;
    if (guest->ordered)
        talk_compare(talk, bytes + some, n - some);
    else
        note_foreign(guest, bytes + some, n - some);
}

/* ---- life ---- */

static void welcome(struct part *part, short revents)
{
    struct backend *backend = (struct backend *)(void *)part; /* its first member */
    (void)revents;
    for (int fd; (fd = scene_accept(part->fd)) != -1;) {
        struct guest *guest = must_alloc(1, sizeof *guest);
        guest->talk.take = take;
        guest->talk.after = after;
        guest->backend = backend;
        guest->next = backend->guests;
        backend->guests = guest;
        backend->accepted++;
        talk_open(&guest->talk, backend->scene, fd, false);
    }
}

int backend_open(struct backend *backend, struct scene *scene)
{
    *backend = (struct backend){.scene = scene};
    int fd = scene_listen(&backend->port);
    if (fd == -1)
        return -1;
    backend->part = (struct part){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = welcome};
    scene_add(scene, &backend->part);
    return 0;
}

void backend_refuse(struct backend *backend)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons(backend->port)};
    scene_remove(backend->scene, &backend->part);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd != -1)
        (void)bind(fd, (struct sockaddr *)&a, sizeof a); /* bound, and does not listen */
    backend->part = (struct part){.fd = fd, .due_us = NEVER, .act = welcome};
    scene_add(backend->scene, &backend->part);
}

void backend_forget(struct backend *backend)
{
    while (backend->guests != NULL) {
        struct guest *guest = backend->guests;
        backend->guests = guest->next;
        talk_close(&guest->talk);
        free(guest);
    }
    backend->accepted = backend->ordered = backend->foreign = backend->wrong = 0;
    backend->foreign_bytes = 0;
    backend->sample_len = 0;
}

void backend_close(struct backend *backend)
{
    backend_forget(backend);
    if (backend->scene != NULL)
        scene_remove(backend->scene, &backend->part);
    backend->scene = NULL;
}

struct guest *backend_guest(const struct backend *backend, uint64_t seed)
{
    for (struct guest *guest = backend->guests; guest != NULL; guest = guest->next) {
        if (guest->ordered && guest->order.seed == seed)
            return guest;
    }
    return NULL;
}
