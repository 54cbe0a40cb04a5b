/* SPDX-License-Identifier: Apache-2.0 */
#include "check/middle.h"

#include "check/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    QUEUE_MAX = 262144,
    MARKS = 64,
    ASK_FIRST_US = 40, /* how soon the reader is asked about again; doubles */
    ASK_MAX_US = 1000,
    READ_WITHIN_US = 500000, /* then it is not waited for any more */
    BLIND_US = 5000,         /* the same when the kernel does not say what was read */
    RETIRE_MS = 300,
    SETTLE_US = 100 /* a reader that reads until nothing is left finds that nothing is left */
};

/* Bytes that arrived together. */
struct mark {
    uint64_t due_us; /* when they may go on */
    uint64_t end;    /* offset behind them */
};

/* One direction of a link. */
struct way {
    struct segmenting rule;
    uint8_t *queue;
    size_t len;
    uint64_t taken, sent; /* offsets */
    struct mark mark[MARKS];
    unsigned marks;
    bool eof, broken; /* broken: by a reset */
    bool shut, blocked;
    uint64_t held_us;  /* COALESCE: since when */
    uint64_t asked_us; /* since when the reader is waited for; 0: it is not */
    uint64_t read_us;  /* when it was found to have read all */
    uint64_t read_upto;
    unsigned ask_us;
};

/* A socket of a link; part.due_us is the next moment of the way out of here. */
struct end {
    struct part part; /* first */
    struct link *link;
    bool connecting;
};

struct link {
    struct middle *middle;
    struct link *next, **back;
    unsigned number;   /* of middle->accepted */
    bool retiring;     /* FIN has been sent to both; what they still say is lost */
    struct end end[2]; /* UP comes from 0 and goes to 1 */
    struct way way[2];
};

static void link_free(struct link *link)
{
    struct middle *middle = link->middle;
    for (int i = 0; i < 2; i++) {
        scene_remove(middle->scene, &link->end[i].part);
        free(link->way[i].queue);
    }
    *link->back = link->next;
    if (link->next != NULL)
        link->next->back = link->back;
    middle->live--;
    free(link);
}

static void link_abort(struct link *link)
{
    for (int i = 0; i < 2; i++) {
        if (link->end[i].part.fd != -1)
            scene_abort(link->end[i].part.fd);
    }
    link_free(link);
}

/* ---- what may go on now ---- */

static void wake(uint64_t *again, uint64_t us)
{
    if (us < *again)
        *again = us;
}

/* Bytes of the queue whose delay is over. */
static size_t released(const struct way *way, uint64_t now, uint64_t *again)
{
    uint64_t end = way->sent;
    for (unsigned i = 0; i < way->marks; i++) {
        if (way->mark[i].due_us > now) {
            wake(again, way->mark[i].due_us);
            break;
        }
        end = way->mark[i].end;
    }
    return (size_t)(end - way->sent);
}

/* The receiver has read all that was sent, and had the time to notice that nothing follows. */
static bool was_read(struct middle *middle, struct way *way, int fd, uint64_t *again)
{
    uint64_t now = now_us();
    if (way->sent == 0 || way->read_upto == way->sent)
        return true;
    if (way->asked_us == 0) {
        way->asked_us = now;
        way->ask_us = ASK_FIRST_US;
    }
    int64_t count = way->read_us != 0 ? (int64_t)way->sent : reader_count(middle->diag, fd);
    bool late = now - way->asked_us >= (count == -1 ? BLIND_US : READ_WITHIN_US);
    if (count >= (int64_t)way->sent && way->read_us == 0)
        way->read_us = now;
    bool settled = way->read_us != 0 && now - way->read_us >= SETTLE_US;
    if (!settled && !late) {
        way->ask_us = way->ask_us < ASK_MAX_US ? way->ask_us * 2 : ASK_MAX_US;
        wake(again, now + (way->read_us != 0 ? SETTLE_US : way->ask_us));
        return false;
    }
    middle->unread += late && !settled;
    middle->cut += settled;
    way->read_upto = way->sent;
    way->asked_us = way->read_us = 0;
    return true;
}

static size_t least(size_t a, uint64_t b)
{
    return a < b ? a : (size_t)b;
}

static size_t may_pass(struct middle *middle, struct way *way, int fd, uint64_t *again)
{
    const struct segmenting *rule = &way->rule;
    uint64_t now = now_us();
    size_t n = released(way, now, again);
    if (n == 0)
        return 0;
    switch (rule->how) {
    case CUT:
        if (way->sent < rule->at)
            return least(n, rule->at - way->sent);
        return way->sent > rule->at || was_read(middle, way, fd, again) ? n : 0;
    case DRIBBLE:
        if (way->sent > rule->at)
            return n;
        if (!was_read(middle, way, fd, again))
            return 0;
        return way->sent < rule->at ? 1 : n;
    case COALESCE:
        if (way->eof || way->len == QUEUE_MAX || now - way->held_us >= rule->window_us)
            return n;
        wake(again, way->held_us + rule->window_us);
        return 0;
    default:
        return n;
    }
}

/* ---- moving ---- */

/* Records the latest connection only. */
static void note(const struct link *link, int from, const uint8_t *bytes, size_t n)
{
    struct middle *middle = link->middle;
    struct record *record = &middle->record[from];
    if (link->number != middle->accepted)
        return;
    size_t some = least(n, RECORD_MAX - record->len);
    memcpy(record->bytes + record->len, bytes, some);
    record->len += some;
    if (middle->record[!from].len == 0)
        record->first = record->len;
}

static void take_in(struct way *way, size_t n)
{
    uint64_t now = now_us();
    if (way->len == 0)
        way->held_us = now;
    way->len += n;
    way->taken += n;
    if (way->marks == MARKS)
        way->marks--; /* the last two become one, with the later deadline */
    way->mark[way->marks++] = (struct mark){now + way->rule.delay_us, way->taken};
}

static void let_out(struct way *way, size_t n)
{
    unsigned gone = 0;
    way->sent += n;
    way->len -= n;
    memmove(way->queue, way->queue + n, way->len);
    way->held_us = now_us();
    while (gone < way->marks && way->mark[gone].end <= way->sent)
        gone++;
    way->marks -= gone;
    memmove(way->mark, way->mark + gone, way->marks * sizeof *way->mark);
}

static void hear(struct link *link, int from)
{
    struct way *way = &link->way[from];
    while (!way->eof && way->len < QUEUE_MAX) {
        ssize_t n = recv(link->end[from].part.fd, way->queue + way->len, QUEUE_MAX - way->len, 0);
        if (n == -1 && errno == EAGAIN)
            return;
        if (n <= 0) {
            way->eof = true;
            way->broken = n == -1;
            return;
        }
        scene_acknowledge(link->end[from].part.fd);
        note(link, from, way->queue + way->len, (size_t)n);
        take_in(way, (size_t)n);
    }
}

/* Returns -1 when the link has broken. */
static int pass_on(struct link *link, int from, uint64_t *again)
{
    struct way *way = &link->way[from];
    int fd = link->end[!from].part.fd;
    for (size_t n; (n = may_pass(link->middle, way, fd, again)) > 0;) {
        ssize_t sent = send(fd, way->queue, n, MSG_NOSIGNAL);
        way->blocked = sent == -1 && errno == EAGAIN;
        if (way->blocked)
            return 0;
        if (sent == -1)
            return -1;
        let_out(way, (size_t)sent);
    }
    if (way->len > 0 || !way->eof || way->shut)
        return 0;
    way->shut = true;
    return way->broken ? -1 : shutdown(fd, SHUT_WR);
}

/* Moves what can be moved; the link may be gone afterwards. */
static void settle(struct link *link)
{
    bool up = !link->end[1].connecting && !link->retiring;
    uint64_t again[2] = {NEVER, NEVER};
    for (int i = 0; i < 2 && up; i++) {
        if (pass_on(link, i, &again[i]) == -1) {
            link_abort(link);
            return;
        }
    }
    bool heard = !link->retiring || (link->way[UP].eof && link->way[DOWN].eof);
    if (link->way[UP].shut && link->way[DOWN].shut && heard) {
        link_free(link);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct part *part = &link->end[i].part;
        bool reads = !link->way[i].eof && link->way[i].len < QUEUE_MAX;
        bool writes = link->way[!i].blocked || link->end[i].connecting;
        part->events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
        part->due_us = again[i];
    }
}

static void act(struct part *part, short revents)
{
    struct end *end = (struct end *)(void *)part; /* its first member */
    struct link *link = end->link;
    int from = end == &link->end[1];
    int error = 0;
    socklen_t len = sizeof error;
    if (end->connecting && revents != 0) {
        (void)getsockopt(part->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        end->connecting = false;
    }
    if (error != 0) {
        link_abort(link);
        return;
    }
    if (revents != 0 && !end->connecting)
        hear(link, from);
    if (link->retiring)
        link->way[from].len = 0;
    settle(link);
}

/* ---- life ---- */

static void link_open(struct middle *middle, int fd)
{
    int out = scene_dial(middle->target);
    if (out == -1) {
        scene_abort(fd);
        (void)close(fd);
        return;
    }
    struct link *link = must_alloc(1, sizeof *link);
    link->middle = middle;
    link->next = middle->links;
    link->back = &middle->links;
    if (link->next != NULL)
        link->next->back = &link->next;
    middle->links = link;
    for (int i = 0; i < 2; i++) {
        link->way[i] = (struct way){.rule = middle->rule[i], .queue = must_alloc(QUEUE_MAX, 1)};
        link->end[i] = (struct end){
            .part = {.fd = i == 0 ? fd : out, .events = POLLIN, .due_us = NEVER, .act = act},
            .link = link};
    }
    link->end[1].connecting = true;
    link->end[1].part.events = POLLIN | POLLOUT;
    scene_add(middle->scene, &link->end[0].part);
    scene_add(middle->scene, &link->end[1].part);
    link->number = ++middle->accepted;
    middle->live++;
    for (int i = 0; i < 2; i++)
        middle->record[i].len = middle->record[i].first = 0;
}

static void welcome(struct part *part, short revents)
{
    (void)revents;
    for (int fd; (fd = scene_accept(part->fd)) != -1;)
        link_open((struct middle *)(void *)part, fd); /* its first member */
}

int middle_open(struct middle *middle, struct scene *scene, uint16_t target)
{
    *middle = (struct middle){.scene = scene, .target = target, .diag = reader_open()};
    int fd = scene_listen(&middle->port);
    if (fd == -1) {
        int error = errno;
        if (middle->diag != -1)
            (void)close(middle->diag);
        *middle = (struct middle){.diag = -1};
        errno = error;
        return -1;
    }
    middle->part = (struct part){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = welcome};
    scene_add(scene, &middle->part);
    return 0;
}

void middle_drop(struct middle *middle)
{
    for (struct link *link = middle->links, *next; link != NULL; link = next) {
        next = link->next;
        link_abort(link);
    }
}

static bool retired(void *arg)
{
    const struct middle *middle = arg;
    return middle->links == NULL;
}

void middle_retire(struct middle *middle)
{
    for (struct link *link = middle->links; link != NULL; link = link->next) {
        link->retiring = true;
        for (int i = 0; i < 2; i++) {
            struct way *way = &link->way[i];
            (void)shutdown(link->end[i].part.fd, SHUT_WR);
            way->shut = true;
            way->len = 0;
            link->end[i].part.events = way->eof ? 0 : POLLIN;
        }
    }
    (void)scene_run(middle->scene, RETIRE_MS, retired, middle);
    middle_drop(middle);
}

void middle_close(struct middle *middle)
{
    if (middle->scene == NULL)
        return;
    middle_drop(middle);
    scene_remove(middle->scene, &middle->part);
    if (middle->diag != -1)
        (void)close(middle->diag);
    middle->scene = NULL;
}
