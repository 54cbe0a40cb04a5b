/* SPDX-License-Identifier: Apache-2.0 */
#include "check/middle.h"

#include "base/retry.h"
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
    READ_WITHIN_US = 500000, /* the longest wait for it */
    BLIND_US = 5000,         /* the same when the kernel does not report reads */
    RETIRE_MS = 300,
    SETTLE_US = 100 /* a reader that reads until nothing is left finds that nothing is left */
};

/* Bytes that arrived together. */
struct mark {
    uint64_t due_us; /* when they may go on */
    uint64_t end;    /* offset behind them */
};

/* One direction of a relay. */
struct flow {
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

/* A socket of a relay; watch.due_us is when its outgoing flow may go on. */
struct peer {
    struct watch watch; /* first */
    struct relay *relay;
    bool connecting;
};

struct relay {
    struct middle *middle;
    struct relay *next, **back;
    unsigned number;     /* of middle->accepted */
    bool retiring;       /* FIN has been sent to both; further bytes are dropped */
    struct peer peer[2]; /* UP comes from 0 and goes to 1 */
    struct flow flow[2];
};

static void link_free(struct relay *relay)
{
    struct middle *middle = relay->middle;
    for (int i = 0; i < 2; i++) {
        scene_remove(middle->scene, &relay->peer[i].watch);
        free(relay->flow[i].queue);
    }
    *relay->back = relay->next;
    if (relay->next != NULL)
        relay->next->back = relay->back;
    middle->live--;
    free(relay);
}

static void link_abort(struct relay *relay)
{
    for (int i = 0; i < 2; i++) {
        if (relay->peer[i].watch.fd != -1)
            scene_abort(relay->peer[i].watch.fd);
    }
    link_free(relay);
}

/* ---- what may go on now ---- */

static void wake(uint64_t *again, uint64_t us)
{
    if (us < *again)
        *again = us;
}

/* Bytes of the queue whose delay is over. */
static size_t released(const struct flow *flow, uint64_t now, uint64_t *again)
{
    uint64_t end = flow->sent;
    for (unsigned i = 0; i < flow->marks; i++) {
        if (flow->mark[i].due_us > now) {
            wake(again, flow->mark[i].due_us);
            break;
        }
        end = flow->mark[i].end;
    }
    return (size_t)(end - flow->sent);
}

/* The receiver has read all that was sent, and had the time to notice that nothing follows. */
static bool was_read(struct middle *middle, struct flow *flow, int fd, uint64_t *again)
{
    uint64_t now = now_us();
    if (flow->sent == 0 || flow->read_upto == flow->sent)
        return true;
    if (flow->asked_us == 0) {
        flow->asked_us = now;
        flow->ask_us = ASK_FIRST_US;
    }
    int64_t count = flow->read_us != 0 ? (int64_t)flow->sent : reader_count(middle->diag, fd);
    bool late = now - flow->asked_us >= (count == -1 ? BLIND_US : READ_WITHIN_US);
    if (count >= (int64_t)flow->sent && flow->read_us == 0)
        flow->read_us = now;
    bool settled = flow->read_us != 0 && now - flow->read_us >= SETTLE_US;
    if (!settled && !late) {
        flow->ask_us = flow->ask_us < ASK_MAX_US ? flow->ask_us * 2 : ASK_MAX_US;
        wake(again, now + (flow->read_us != 0 ? SETTLE_US : flow->ask_us));
        return false;
    }
    middle->unread += late && !settled;
    middle->cut += settled;
    flow->read_upto = flow->sent;
    flow->asked_us = flow->read_us = 0;
    return true;
}

static size_t least(size_t a, uint64_t b)
{
    return a < b ? a : (size_t)b;
}

static size_t may_pass(struct middle *middle, struct flow *flow, int fd, uint64_t *again)
{
    const struct segmenting *rule = &flow->rule;
    uint64_t now = now_us();
    size_t n = released(flow, now, again);
    if (n == 0)
        return 0;
    switch (rule->how) {
    case CUT:
        if (flow->sent < rule->at)
            return least(n, rule->at - flow->sent);
        return flow->sent > rule->at || was_read(middle, flow, fd, again) ? n : 0;
    case DRIBBLE:
        if (flow->sent > rule->at)
            return n;
        if (!was_read(middle, flow, fd, again))
            return 0;
        return flow->sent < rule->at ? 1 : n;
    case COALESCE:
        if (flow->eof || flow->len == QUEUE_MAX || now - flow->held_us >= rule->window_us)
            return n;
        wake(again, flow->held_us + rule->window_us);
        return 0;
    default:
        return n;
    }
}

/* ---- moving ---- */

/* Records the latest connection only. */
static void note(const struct relay *relay, int from, const uint8_t *bytes, size_t n)
{
    struct middle *middle = relay->middle;
    struct record *record = &middle->record[from];
    if (relay->number != middle->accepted)
        return;
    size_t some = least(n, RECORD_MAX - record->len);
    memcpy(record->bytes + record->len, bytes, some);
    record->len += some;
    if (middle->record[!from].len == 0)
        record->first = record->len;
}

static void take_in(struct flow *flow, size_t n)
{
    uint64_t now = now_us();
    if (flow->len == 0)
        flow->held_us = now;
    flow->len += n;
    flow->taken += n;
    if (flow->marks == MARKS)
        flow->marks--; /* the last two become one, with the later deadline */
    flow->mark[flow->marks++] = (struct mark){now + flow->rule.delay_us, flow->taken};
}

static void let_out(struct flow *flow, size_t n)
{
    unsigned gone = 0;
    flow->sent += n;
    flow->len -= n;
    memmove(flow->queue, flow->queue + n, flow->len);
    flow->held_us = now_us();
    while (gone < flow->marks && flow->mark[gone].end <= flow->sent)
        gone++;
    flow->marks -= gone;
    memmove(flow->mark, flow->mark + gone, flow->marks * sizeof *flow->mark);
}

static void hear(struct relay *relay, int from)
{
    struct flow *flow = &relay->flow[from];
    while (!flow->eof && flow->len < QUEUE_MAX) {
        ssize_t n = ssp__recv(relay->peer[from].watch.fd, flow->queue + flow->len,
                              QUEUE_MAX - flow->len, 0);
        if (n == -1 && errno == EAGAIN)
            return;
        if (n <= 0) {
            flow->eof = true;
            flow->broken = n == -1;
            return;
        }
        scene_acknowledge(relay->peer[from].watch.fd);
        note(relay, from, flow->queue + flow->len, (size_t)n);
        take_in(flow, (size_t)n);
    }
}

/* Returns -1 when the relay has broken. */
static int pass_on(struct relay *relay, int from, uint64_t *again)
{
    struct flow *flow = &relay->flow[from];
    int fd = relay->peer[!from].watch.fd;
    for (size_t n; (n = may_pass(relay->middle, flow, fd, again)) > 0;) {
        ssize_t sent = ssp__send(fd, flow->queue, n, MSG_NOSIGNAL);
        flow->blocked = sent == -1 && errno == EAGAIN;
        if (flow->blocked)
            return 0;
        if (sent == -1)
            return -1;
        let_out(flow, (size_t)sent);
    }
    if (flow->len > 0 || !flow->eof || flow->shut)
        return 0;
    flow->shut = true;
    return flow->broken ? -1 : shutdown(fd, SHUT_WR);
}

/* Moves what can be moved; the relay may be freed afterwards. */
static void settle(struct relay *relay)
{
    bool up = !relay->peer[1].connecting && !relay->retiring;
    uint64_t again[2] = {NEVER, NEVER};
    for (int i = 0; i < 2 && up; i++) {
        if (pass_on(relay, i, &again[i]) == -1) {
            link_abort(relay);
            return;
        }
    }
    bool heard = !relay->retiring || (relay->flow[UP].eof && relay->flow[DOWN].eof);
    if (relay->flow[UP].shut && relay->flow[DOWN].shut && heard) {
        link_free(relay);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct watch *watch = &relay->peer[i].watch;
        bool reads = !relay->flow[i].eof && relay->flow[i].len < QUEUE_MAX;
        bool writes = relay->flow[!i].blocked || relay->peer[i].connecting;
        watch->events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
        watch->due_us = again[i];
    }
}

static void act(struct watch *watch, short revents)
{
    struct peer *peer = (struct peer *)(void *)watch; /* its first member */
    struct relay *relay = peer->relay;
    int from = peer == &relay->peer[1];
    int error = 0;
    socklen_t len = sizeof error;
    if (peer->connecting && revents != 0) {
        (void)getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        peer->connecting = false;
    }
    if (error != 0) {
        link_abort(relay);
        return;
    }
    if (revents != 0 && !peer->connecting)
        hear(relay, from);
    if (relay->retiring)
        relay->flow[from].len = 0;
    settle(relay);
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
    struct relay *relay = must_alloc(1, sizeof *relay);
    relay->middle = middle;
    relay->next = middle->relays;
    relay->back = &middle->relays;
    if (relay->next != NULL)
        relay->next->back = &relay->next;
    middle->relays = relay;
    for (int i = 0; i < 2; i++) {
        relay->flow[i] = (struct flow){.rule = middle->rule[i], .queue = must_alloc(QUEUE_MAX, 1)};
        relay->peer[i] = (struct peer){
            .watch = {.fd = i == 0 ? fd : out, .events = POLLIN, .due_us = NEVER, .act = act},
            .relay = relay};
    }
    relay->peer[1].connecting = true;
    relay->peer[1].watch.events = POLLIN | POLLOUT;
    scene_add(middle->scene, &relay->peer[0].watch);
    scene_add(middle->scene, &relay->peer[1].watch);
    relay->number = ++middle->accepted;
    middle->live++;
    for (int i = 0; i < 2; i++)
        middle->record[i].len = middle->record[i].first = 0;
}

static void welcome(struct watch *watch, short revents)
{
    (void)revents;
    for (int fd; (fd = scene_accept(watch->fd)) != -1;)
        link_open((struct middle *)(void *)watch, fd); /* its first member */
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
    middle->watch = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = welcome};
    scene_add(scene, &middle->watch);
    return 0;
}

void middle_drop(struct middle *middle)
{
    for (struct relay *relay = middle->relays, *next; relay != NULL; relay = next) {
        next = relay->next;
        link_abort(relay);
    }
}

static bool retired(void *arg)
{
    const struct middle *middle = arg;
    return middle->relays == NULL;
}

void middle_retire(struct middle *middle)
{
    for (struct relay *relay = middle->relays; relay != NULL; relay = relay->next) {
        relay->retiring = true;
        for (int i = 0; i < 2; i++) {
            struct flow *flow = &relay->flow[i];
            (void)shutdown(relay->peer[i].watch.fd, SHUT_WR);
            flow->shut = true;
            flow->len = 0;
            relay->peer[i].watch.events = flow->eof ? 0 : POLLIN;
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
    scene_remove(middle->scene, &middle->watch);
    if (middle->diag != -1)
        (void)close(middle->diag);
    middle->scene = NULL;
}
