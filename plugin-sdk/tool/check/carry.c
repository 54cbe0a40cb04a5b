/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rig.h"
#include "check/traffic.h"

#include <inttypes.h>

enum {
    BULK = 3 << 20,
    LONGEST = 40000,
    BULK_MS = 30000,
    CROWD = 200,
    CROWD_BYTES = 65536,
    CROWD_PIECE = 4000,
    CROWD_MS = 30000,
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

struct bustle {
    struct crowd crowd;
    const struct rig *rig;
};

/* Where bytes got mixed nothing has to be waited for any more. */
static bool bustle_over(void *arg)
{
    struct bustle *bustle = arg;
    return crowd_settled(&bustle->crowd) || !rig_clean(bustle->rig);
}

static enum outcome carry_many(struct rig *rig, struct evidence *e)
{
    char why[WHY_MAX];
    struct bustle bustle = {.rig = rig};
    struct crowd *crowd = &bustle.crowd;
    struct order order = rig_order(rig, CROWD_BYTES, CROWD_BYTES, ORDER_PACED);
    uint64_t begun = now_us();
    order.chunk = CROWD_PIECE;
    crowd_open(crowd, &rig->scene, rig->client_port, &order, CROWD);
    (void)rig_await(rig, CROWD_MS, bustle_over, &bustle);
    unsigned served = crowd_served(crowd);
    evidence_add(e, "%u of %d connections echoed %d bytes of their own in %u ms", served, CROWD,
                 CROWD_BYTES, ms_since(begun));
    const struct client *unserved = crowd_unserved(crowd);
    if (unserved != NULL) {
        rig_blame(rig, unserved, why, sizeof why);
        evidence_add(e, "connection %u: %s", (unsigned)(unserved->order.seed - order.seed), why);
    }
    crowd_close(crowd);
    if (!rig_clean(rig))
        evidence_add(e,
                     "at the backend %u connections bring wrong bytes, %u bring foreign "
                     "bytes",
                     rig->backend.wrong, rig->backend.foreign);
    return served == CROWD && rig_clean(rig) ? PASS : FAIL;
}

enum outcome carries_many_at_once(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_PAIR, carry_many, e);
}
