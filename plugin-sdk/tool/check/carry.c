/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rig.h"
#include "check/traffic.h"

#include <inttypes.h>

enum {
    BULK = 3 << 20,
    LONGEST = 40000,
    BULK_MS = 30000,
    MANY = 200,
    MANY_BYTES = 65536,
    MANY_PIECE = 4000,
    MANY_MS = 30000,
    WHY_MAX = 2 * STREAM_WHY_MAX + 64
};

static unsigned ms_since(uint64_t begun_us)
{
    return (unsigned)((now_us() - begun_us) / 1000);
}

/* Two transfers: both directions at their own pace, and as an echo. */
static enum outcome carry(struct rig *rig, struct evidence *e)
{
    static const enum order_when manner[] = {ORDER_AT_ONCE, ORDER_PACED};
    char why[WHY_MAX];
    for (unsigned i = 0; i < 2; i++) {
        struct order order = rig_order(rig, BULK, BULK, manner[i]);
        uint64_t begun = now_us();
        order.chunk = LONGEST;
        if (!rig_serve(rig, &order, BULK_MS, why, sizeof why)) {
            evidence_add(e, "after %u ms %s", ms_since(begun), why);
            return FAIL;
        }
        evidence_add(e, "%d bytes each way %s in %u ms", BULK,
                     manner[i] == ORDER_PACED ? "as an echo" : "at once", ms_since(begun));
    }
    return PASS;
}

enum outcome carries_both_ways(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, carry, e);
}

struct many {
    struct clients clients;
    const struct rig *rig;
};

/* Where bytes got mixed nothing has to be waited for any more. */
static bool many_over(void *arg)
{
    struct many *many = arg;
    return clients_settled(&many->clients) || !rig_clean(many->rig);
}

static enum outcome carry_many(struct rig *rig, struct evidence *e)
{
    char why[WHY_MAX];
    struct many many = {.rig = rig};
    struct clients *clients = &many.clients;
    struct order order = rig_order(rig, MANY_BYTES, MANY_BYTES, ORDER_PACED);
    uint64_t begun = now_us();
    order.chunk = MANY_PIECE;
    clients_open(clients, &rig->scene, rig->client_port, &order, MANY);
    (void)rig_await(rig, MANY_MS, many_over, &many);
    unsigned served = clients_served(clients);
    evidence_add(e, "%u of %d connections echoed %d bytes of their own in %u ms", served, MANY,
                 MANY_BYTES, ms_since(begun));
    const struct client *unserved = clients_unserved(clients);
    if (unserved != NULL) {
        rig_blame(rig, unserved, why, sizeof why);
        evidence_add(e, "connection %u: %s", (unsigned)(unserved->order.seed - order.seed), why);
    }
    clients_close(clients);
    if (!rig_clean(rig))
        evidence_add(e,
                     "at the backend %u connections bring wrong bytes, %u bring foreign "
                     "bytes",
                     rig->backend.wrong, rig->backend.foreign);
    return served == MANY && rig_clean(rig) ? PASS : FAIL;
}

enum outcome carries_many_at_once(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, carry_many, e);
}
