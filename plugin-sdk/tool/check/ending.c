/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rig.h"
#include "check/traffic.h"

#include <inttypes.h>
#include <string.h>

enum {
    BULK = 8 << 20,
    BULK_MS = 20000,
    END_MS = 1500, /* 1 s, and what a busy machine adds */
    REQUEST = 1000,
    REPLY = 1000,
    REPLY_AFTER_MS = 300,
    REPLY_MS = 5000,
    WHY_MAX = 2 * STREAM_WHY_MAX + 64
};

/* The later of two moments to a third, in ms. */
static unsigned ms_from(uint64_t a, uint64_t b, uint64_t to)
{
    uint64_t from = a > b ? a : b;
    return to > from ? (unsigned)((to - from) / 1000) : 0;
}

static enum outcome judge_end(const struct rig *rig, const struct client *client,
                              struct evidence *e)
{
    const struct stream *stream = &client->stream;
    const struct backend_conn *backend_conn = backend_find(&rig->backend, client->order.seed);
    char why[WHY_MAX];
    if (!client_served(client) || !rig_clean(rig)) {
        rig_blame(rig, client, why, sizeof why);
        evidence_add(e, "%s", why);
        return FAIL;
    }
    unsigned ms = ms_from(stream->last_us, backend_conn != NULL ? backend_conn->closed_us : 0,
                          stream->end_us);
    evidence_add(e, "%" PRIu64 " bytes, then the end %u ms after the backend had closed",
                 stream->hear.done, ms);
    e->late = ms > END_MS;
    return ms <= END_MS ? PASS : FAIL;
}

static enum outcome end_with_backend(struct rig *rig, struct evidence *e)
{
    struct order order = rig_order(rig, REQUEST, BULK, ORDER_AT_ONCE);
    struct client client;
    order.close = true;
    client_open(&client, &rig->scene, rig->client_port, &order);
    (void)rig_await(rig, BULK_MS, client_settled, &client);
    enum outcome outcome = judge_end(rig, &client, e);
    client_close(&client);
    return outcome;
}

enum outcome ends_with_backend(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, end_with_backend, e);
}

static enum outcome half_close(struct rig *rig, struct evidence *e)
{
    struct order order = rig_order(rig, REQUEST, REPLY, ORDER_AFTER_FIN);
    char why[WHY_MAX];
    order.delay_ms = REPLY_AFTER_MS;
    order.close = true;
    if (!rig_serve(rig, &order, REPLY_MS, why, sizeof why)) {
        evidence_add(e, "request of %d bytes and FIN, reply due %d ms later: %s", REQUEST,
                     REPLY_AFTER_MS, why);
        return FAIL;
    }
    evidence_add(e, "request of %d bytes, FIN, %d ms, reply of %d bytes, end", REQUEST,
                 REPLY_AFTER_MS, REPLY);
    return PASS;
}

enum outcome half_closes(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, half_close, e);
}
