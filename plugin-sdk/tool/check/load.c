/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rig.h"
#include "check/traffic.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    FLOOD = 256 << 20, /* more than the kernel's buffers of all sockets on the way */
    QUIET_MS = 400,    /* without progress: it stalls */
    STALL_MS = 20000,
    GROWTH_MAX = 8 << 20,
    RESUMED = 4 << 20,
    RESUME_MS = 20000,
    SHORT = 200,
    SHORT_BYTES = 2000,
    AT_ONCE = 20,
    SHORT_MS = 10000,
    SETTLE_MS = 1000,
    RETURN_MS = 40000, /* a pool of connections may keep idle ones that long */
    STEP_MS = 20,
    ROUNDS = 4,
    POOL_SPREAD = 10,   /* descriptors by which a pool varies */
    LEFT_MAX = 4 << 20, /* 20 KiB a connection would be a leak */
    WHY_MAX = 2 * STREAM_WHY_MAX + 64
};

/* ---- memory ---- */

struct weight {
    int64_t client, server;
};

static struct weight weigh(const struct rig *rig)
{
    return (struct weight){process_rss(&rig->client), process_rss(&rig->server)};
}

static int64_t growth(struct weight from, struct weight to)
{
    int64_t client = to.client - from.client, server = to.server - from.server;
    return client > server ? client : server;
}

/* ---- a reader that stalls ---- */

/* The sender whose reader stalls, and whether it makes progress. */
struct stall {
    const struct rig *rig;
    const struct client *client;
    bool down; /* the backend sends */
    uint64_t said, since_us;
};

static uint64_t said_so_far(const struct stall *stall)
{
    const struct backend_conn *backend_conn =
        backend_find(&stall->rig->backend, stall->client->order.seed);
    if (!stall->down)
        return stall->client->stream.say.done;
    return backend_conn != NULL ? backend_conn->stream.say.done : 0;
}

static bool quiet(void *arg)
{
    struct stall *stall = arg;
    uint64_t said = said_so_far(stall), now = now_us();
    if (said != stall->said || stall->since_us == 0) {
        stall->said = said;
        stall->since_us = now;
    }
    return stall->client->stream.end == STREAM_GONE ||
           (said > 0 && now - stall->since_us >= (uint64_t)QUIET_MS * 1000);
}

/* quiet() needs turns of the scene when nothing happens in it. */
static bool await_stall(struct rig *rig, struct stall *stall)
{
    uint64_t end = now_us() + (uint64_t)STALL_MS * 1000;
    while (now_us() < end) {
        if (scene_run(&rig->scene, QUIET_MS / 4, quiet, stall))
            return true;
    }
    return false;
}

/* The reader reads on: what comes then must be right. */
static bool resumed(void *arg)
{
    const struct stall *stall = arg;
    const struct backend_conn *backend_conn =
        backend_find(&stall->rig->backend, stall->client->order.seed);
    const struct stream *reader = stall->down ? &stall->client->stream : &backend_conn->stream;
    return reader->hear.done >= stall->said + RESUMED || reader->end != STREAM_OPEN ||
           reader->hear.wrong_at != NEVER;
}

static bool resume(struct rig *rig, const struct stall *stall, struct client *client)
{
    struct backend_conn *backend_conn = backend_find(&rig->backend, client->order.seed);
    struct stall own = *stall;
    if (backend_conn == NULL)
        return false;
    struct stream *reader = stall->down ? &client->stream : &backend_conn->stream;
    reader->hear.deaf = false;
    stream_update(reader);
    (void)rig_await(rig, RESUME_MS, resumed, &own);
    return reader->hear.done >= stall->said + RESUMED && reader->hear.wrong_at == NEVER;
}

static bool stall_one(struct rig *rig, bool down, struct evidence *e)
{
    struct order order = rig_order(rig, down ? 0 : FLOOD, down ? FLOOD : 0, ORDER_AT_ONCE);
    struct client client;
    struct stall stall = {.rig = rig, .client = &client, .down = down};
    struct weight before = weigh(rig);
    order.deaf = !down;
    client_open(&client, &rig->scene, rig->client_port, &order);
    client.stream.hear.deaf = down;
    stream_update(&client.stream);
    bool stalled = await_stall(rig, &stall) && stall.said < FLOOD;
    int64_t grown = growth(before, weigh(rig));
    evidence_add(e, "%s: the sender %s behind %" PRIu64 " KiB, memory grows by %" PRId64 " KiB",
                 down ? "to the client" : "to the server", stalled ? "stalls" : "does not stall",
                 stall.said >> 10, grown >> 10);
    bool good = stalled && grown < GROWTH_MAX;
    if (good && !resume(rig, &stall, &client)) {
        char why[WHY_MAX];
        rig_blame(rig, &client, why, sizeof why);
        evidence_add(e, "when it reads again: %s", why);
        good = false;
    }
    client_close(&client);
    backend_forget(&rig->backend);
    return good;
}

static enum outcome stall_both(struct rig *rig, struct evidence *e)
{
    char why[WHY_MAX];
    struct order order = rig_order(rig, RESUMED, RESUMED, ORDER_AT_ONCE);
    if (!rig_serve(rig, &order, RESUME_MS, why, sizeof why)) {
        evidence_add(e, "before: %s", why);
        return FAIL;
    }
    bool down = stall_one(rig, true, e), up = stall_one(rig, false, e);
    return down && up ? PASS : FAIL;
}

enum outcome stalls_with_reader(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, stall_both, e);
}

/* ---- what short connections leave behind ---- */

struct descriptors {
    int client, server;
};

static struct descriptors count(const struct rig *rig)
{
    return (struct descriptors){process_descriptors(&rig->client),
                                process_descriptors(&rig->server)};
}

static bool run_short(struct rig *rig, struct evidence *e)
{
    char why[WHY_MAX];
    for (unsigned done = 0; done < SHORT; done += AT_ONCE) {
        struct clients clients;
        struct order order = rig_order(rig, SHORT_BYTES, SHORT_BYTES, ORDER_PACED);
        clients_open(&clients, &rig->scene, rig->client_port, &order, AT_ONCE);
        (void)rig_await(rig, SHORT_MS, clients_settled, &clients);
        const struct client *unserved = clients_unserved(&clients);
        if (unserved != NULL) {
            rig_blame(rig, unserved, why, sizeof why);
            evidence_add(e, "short connection %u: %s", done, why);
        }
        clients_close(&clients);
        if (unserved != NULL)
            return false;
    }
    if (!rig_clean(rig))
        evidence_add(e, "short connections: other bytes than those of the client come out");
    return rig_clean(rig);
}

struct settling {
    const struct rig *rig;
    struct descriptors base, now;
};

static bool at_base(void *arg)
{
    struct settling *h = arg;
    h->now = count(h->rig);
    return h->now.client <= h->base.client && h->now.server <= h->base.server;
}

/* Polls, because a plugin may keep closed connections for a moment. */
static bool returns_to_base(struct rig *rig, struct settling *h, unsigned limit_ms)
{
    uint64_t end = now_us() + (uint64_t)limit_ms * 1000;
    while (!at_base(h) && now_us() < end)
        (void)scene_run(&rig->scene, STEP_MS, at_base, h);
    return at_base(h);
}

/* Rounds of short connections until one adds little memory: a runtime that collects garbage grows
 * for a while, a leak does not stop.  Returns what the last one added, or -1 when one was not
 * served. */
static int64_t run_rounds(struct rig *rig, unsigned *rounds, struct evidence *e)
{
    int64_t grown = INT64_MAX;
    for (*rounds = 0; *rounds < ROUNDS && grown >= LEFT_MAX; ++*rounds) {
        struct weight before = weigh(rig);
        if (!run_short(rig, e))
            return -1;
        backend_forget(&rig->backend);
        grown = growth(before, weigh(rig));
    }
    return grown > 0 ? grown : 0;
}

/* A pool keeps some connections, and does not grow: a leak goes on. */
static bool is_pool(struct rig *rig, struct settling *h, struct evidence *e)
{
    const struct descriptors kept = h->now;
    if (!run_short(rig, e))
        return false;
    backend_forget(&rig->backend);
    h->base = (struct descriptors){kept.client + POOL_SPREAD, kept.server + POOL_SPREAD};
    bool same = returns_to_base(rig, h, SETTLE_MS);
    evidence_add(e, "%d more connections leave %d and %d descriptors", SHORT, h->now.client,
                 h->now.server);
    return same;
}

/* A first round warms up: what it leaves is what the plugin keeps anyway. */
static enum outcome give_back(struct rig *rig, struct evidence *e)
{
    struct settling h = {.rig = rig, .base = count(rig)};
    unsigned rounds;
    if (!run_short(rig, e))
        return FAIL;
    backend_forget(&rig->backend);
    if (!returns_to_base(rig, &h, SETTLE_MS))
        h.base = h.now;
    int64_t grown = run_rounds(rig, &rounds, e);
    if (grown == -1)
        return FAIL;
    bool pool =
        !at_base(&h) && h.now.client + h.now.server < h.base.client + h.base.server + SHORT / 2;
    bool returned = returns_to_base(rig, &h, pool ? RETURN_MS : SETTLE_MS);
    evidence_add(e, "client %d descriptors, then %d", h.base.client, h.now.client);
    evidence_add(e, "server %d, then %d", h.base.server, h.now.server);
    returned = returned || is_pool(rig, &h, e);
    evidence_add(e, "memory grows by %" PRId64 " KiB over the last %d of %u connections",
                 grown >> 10, SHORT, (rounds + 1) * SHORT);
    return returned && grown < LEFT_MAX ? PASS : FAIL;
}

enum outcome gives_back(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, give_back, e);
}
