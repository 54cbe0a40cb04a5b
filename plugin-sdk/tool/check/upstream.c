/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rig.h"
#include "check/traffic.h"

#include <inttypes.h>
#include <string.h>

enum {
    REQUEST = 100,
    CLOSED_WITHIN_MS = 3000,
    CLOSED_WAIT_MS = 6000,
    BARE = 5,
    BARE_MS = 2000,
    DIALED_WITHIN_MS = 500,
    BARRIER_MS = 3000,
    DELAY_MS = 50,
    PATH_MS = 2 * DELAY_MS,
    TRIPS = 3,
    TRIP_MS = 10000,
    EXTRA_MAX = 2,
    WHY_MAX = 2 * STREAM_WHY_MAX + 64
};

/* ---- 37 ---- */

static bool ended(void *arg)
{
    const struct client *client = arg;
    return client->stream.end != STREAM_OPEN;
}

static enum outcome refuse(struct rig *rig, struct evidence *e)
{
    struct client client;
    struct order order = rig_order(rig, REQUEST, REQUEST, ORDER_AFTER_ALL);
    backend_refuse(&rig->backend);
    client_open(&client, &rig->scene, rig->client_port, &order);
    bool over = scene_run(&rig->scene, CLOSED_WAIT_MS, ended, &client);
    unsigned ms = (unsigned)((now_us() - client.stream.begun_us) / 1000);
    if (over)
        evidence_add(e, "closed %s after %u ms",
                     client.stream.end == STREAM_EOF ? "with FIN" : "with a reset", ms);
    else
        evidence_add(e, "still open after %u ms", ms);
    client_close(&client);
    e->late = ms > CLOSED_WITHIN_MS;
    return over && ms <= CLOSED_WITHIN_MS ? PASS : FAIL;
}

enum outcome reports_refusal(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    if (role == SSP_CLIENT && fixture->baseline.server_by_udp) {
        evidence_add(e, "it dials UDP, which has no refusal");
        return NOT_APPLICABLE;
    }
    return rig_run(fixture, role == SSP_CLIENT ? RIG_CLIENT : RIG_PAIR, refuse, e);
}

/* ---- 38 ---- */

static bool connected(void *arg)
{
    const struct stream *stream = arg;
    return !stream->connecting;
}

static bool anybody(void *arg)
{
    const struct backend *backend = arg;
    return backend->accepted > 0;
}

static bool knock(struct rig *rig)
{
    struct stream stream = {.say.allowed = 0};
    stream_open(&stream, &rig->scene, scene_dial(rig->client_port), true);
    bool came = rig_await(rig, BARE_MS, connected, &stream) && stream.end != STREAM_GONE;
    stream_close(&stream);
    return came;
}

/* A plugin that dials late dials for the silent connection no earlier than for one that sends. */
static enum outcome knock_and_send(struct rig *rig, struct evidence *e)
{
    for (unsigned i = 0; i < BARE; i++) {
        if (!knock(rig)) {
            evidence_add(e, "connection %u is not accepted", i);
            return FAIL;
        }
    }
    if (scene_run(&rig->scene, DIALED_WITHIN_MS, anybody, &rig->backend)) {
        evidence_add(e, "%d bare connections, it dials upstream all the same", BARE);
        return FAIL;
    }
    struct client client;
    struct order order = rig_order(rig, REQUEST, 0, ORDER_AFTER_ALL);
    client_open(&client, &rig->scene, rig->client_port, &order);
    bool came = rig_await(rig, BARRIER_MS, anybody, &rig->backend);
    client_close(&client);
    unsigned dialed = rig->backend.accepted;
    evidence_add(e, "%d bare connections and one that says %d bytes: dials %u times", BARE, REQUEST,
                 dialed);
    return came && dialed == 1 ? PASS : FAIL;
}

enum outcome dials_only_for_bytes(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    if (fixture->baseline.server_by_udp) {
        evidence_add(e, "it dials UDP, which cannot be seen");
        return NOT_APPLICABLE;
    }
    return rig_run(fixture, RIG_CLIENT, knock_and_send, e);
}

/* ---- 44 ---- */

/* Time from connect to the first byte of the answer in ms; 0: none came. */
static unsigned trip(struct rig *rig, char *why)
{
    struct client client;
    struct order order = rig_order(rig, REQUEST, REQUEST, ORDER_AFTER_ALL);
    client_open(&client, &rig->scene, rig->client_port, &order);
    (void)rig_await(rig, TRIP_MS, client_settled, &client);
    bool served = client_served(&client);
    uint64_t us = client.stream.first_us - client.stream.begun_us;
    if (!served)
        rig_blame(rig, &client, why, WHY_MAX);
    client_close(&client);
    return served ? (unsigned)(us / 1000) : 0;
}

/* The shortest of several: what a busy machine adds is not the plugin's.  Fresh ones find no
 * connection between the plugins that they could share. */
static unsigned best_trip(struct rig *rig, bool fresh, char *why)
{
    unsigned best = 0;
    for (unsigned i = 0; i < TRIPS; i++) {
        if (fresh)
            middle_retire(&rig->middle);
        unsigned ms = trip(rig, why);
        if (ms != 0 && (best == 0 || ms < best))
            best = ms;
    }
    return best;
}

static unsigned extra_trips(unsigned ms)
{
    return ms <= PATH_MS ? 0 : (ms - PATH_MS + PATH_MS / 2) / PATH_MS;
}

static enum outcome travel(struct rig *rig, struct evidence *e)
{
    rig->middle.rule[UP].delay_us = rig->middle.rule[DOWN].delay_us = DELAY_MS * 1000;
    char why[WHY_MAX] = "";
    unsigned first = best_trip(rig, true, why), later = best_trip(rig, false, why);
    if (first == 0 || later == 0) {
        evidence_add(e, "%s", why);
        return FAIL;
    }
    evidence_add(e, "%u extra: first byte after %u ms where one round trip takes %d ms",
                 extra_trips(first), first, PATH_MS);
    evidence_add(e, "later connections %u extra, %u ms", extra_trips(later), later);
    e->late = extra_trips(later) > EXTRA_MAX;
    return extra_trips(later) <= EXTRA_MAX ? PASS : FAIL;
}

enum outcome answers_in_round_trips(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_ALL, travel, e);
}
