/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts one connection after another, so that a failure names its cut.  A pair that carries several
 * connections in one (mux) is made to dial again by ending that one; as it may not have noticed
 * yet, a trial counts there only when it fails repeatedly.
 */
#include "check/rig.h"
#include "check/traffic.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    CUTS = 1024,
    STRIDE = 613,
    SHORT_CUTS = 352, /* enough for a short first flight and what wraps it */
    SHORT_STRIDE = 211,
    SHORT_BURST = 12,
    BYTES = 1200, /* each way */
    BURST = 450,  /* of them in the first flight, which then ends within the first KiB */
    CUT_MS = 2000,
    STUCK_MAX = 3, /* cuts that time out, before the direction is given up */
    BUDGET_MS = 25000,
    BUDGET_THOROUGH_MS = 120000,
    AGAIN_MAX = 3,
    AGAIN_AFTER_MS = 50,
    DRIBBLED = 2048,
    DRIBBLE_MS = 20000,
    COALESCED = 20000,
    COALESCED_PIECE = 500,
    WINDOW_US = 20000,
    COALESCE_MS = 20000,
    WHY_MAX = 2 * STREAM_WHY_MAX + 64
};

/* Every cut of one direction, of connections of one kind. */
struct series {
    const char *name;
    int way;
    unsigned cuts, stride; /* that have no common factor */
    uint16_t burst;        /* see struct order */
    unsigned share;        /* of the time, in percent */
};

static const struct series series[] = {
    {"cuts to the server", UP, CUTS, STRIDE, BURST, 37},
    {"cuts to the client", DOWN, CUTS, STRIDE, BURST, 37},
    {"cuts to the server with a short flight", UP, SHORT_CUTS, SHORT_STRIDE, SHORT_BURST, 13},
    {"cuts to the client with a short flight", DOWN, SHORT_CUTS, SHORT_STRIDE, SHORT_BURST, 13},
};

enum { SERIES = sizeof series / sizeof series[0] };

/* The results of a series. */
struct series_result {
    unsigned tried, failed, stuck;
    unsigned first;   /* of those that failed; 0: none */
    unsigned suspect; /* since which all fail, in order of trial; 0: the last one did not */
    char why[WHY_MAX], suspect_why[WHY_MAX];
};

/* One trial of one connection. */
struct trial {
    struct segmenting rule[2];
    uint32_t bytes; /* each way */
    uint16_t burst, chunk;
    unsigned limit_ms;
    bool *mux;
};

/* *muxed when nothing was dialed for it. */
static bool attempt(struct rig *rig, const struct trial *trial, bool *muxed, char *why)
{
    struct order order = rig_order(rig, trial->bytes, trial->bytes, ORDER_PACED);
    unsigned before = rig->middle.accepted;
    order.burst = trial->burst;
    order.chunk = trial->chunk;
    rig->middle.rule[UP] = trial->rule[UP];
    rig->middle.rule[DOWN] = trial->rule[DOWN];
    bool served = rig_serve(rig, &order, trial->limit_ms, why, WHY_MAX);
    backend_forget(&rig->backend);
    *muxed = rig->middle.accepted == before;
    return served;
}

/* Repeats the trial until the rule was applied. */
static bool bears(struct rig *rig, const struct trial *trial, char *why)
{
    bool muxed, served = attempt(rig, trial, &muxed, why);
    *trial->mux = *trial->mux || muxed;
    for (int again = 1; *trial->mux && (muxed || !served) && again < AGAIN_MAX; again++) {
        middle_retire(&rig->middle);
        if (again > 1)
            (void)scene_run(&rig->scene, AGAIN_AFTER_MS, NULL, NULL);
        served = attempt(rig, trial, &muxed, why);
    }
    if (*trial->mux)
        middle_retire(&rig->middle);
    return served;
}

static bool both_alive(struct rig *rig)
{
    return process_alive(&rig->client) && process_alive(&rig->server);
}

static void note_failure(struct series_result *series_result, unsigned at, const char *why)
{
    series_result->failed++;
    if (series_result->suspect == 0) {
        series_result->suspect = at;
        (void)snprintf(series_result->suspect_why, sizeof series_result->suspect_why, "%s", why);
    }
    if (series_result->first != 0 && series_result->first < at)
        return;
    series_result->first = at;
    (void)snprintf(series_result->why, sizeof series_result->why, "%s", why);
}

/* In an order in which those cuts that time allows are spread evenly. */
static void cut_all(struct rig *rig, const struct series *all, uint64_t end_us, bool *mux,
                    struct series_result *series_result)
{
    char why[WHY_MAX];
    for (unsigned i = 0; i < all->cuts && series_result->stuck < STUCK_MAX && now_us() < end_us;
         i++) {
        struct trial trial = {.bytes = BYTES, .burst = all->burst, .limit_ms = CUT_MS, .mux = mux};
        unsigned at = 1 + i * all->stride % all->cuts;
        uint64_t begun = now_us();
        trial.rule[all->way] = (struct segmenting){.how = CUT, .at = at};
        series_result->tried++;
        if (bears(rig, &trial, why)) {
            series_result->suspect = 0;
            continue;
        }
        note_failure(series_result, at, why);
        series_result->stuck += now_us() - begun >= (uint64_t)CUT_MS * 1000;
        if (!both_alive(rig))
            return;
    }
}

static bool every_cut(struct rig *rig, const struct series *all, uint64_t end_us, bool *mux,
                      struct evidence *e)
{
    struct series_result series_result = {0};
    unsigned read = rig->middle.cut, unread = rig->middle.unread;
    uint64_t begun = now_us();
    cut_all(rig, all, end_us, mux, &series_result);
    evidence_add(e, "%u of %u %s in %u ms, %u read apart", series_result.tried, all->cuts,
                 all->name, (unsigned)((now_us() - begun) / 1000), rig->middle.cut - read);
    if (rig->middle.unread > unread)
        evidence_add(e, "%u were not read within 500 ms", rig->middle.unread - unread);
    if (series_result.failed > 0)
        evidence_add(e, "%u fail, the first behind byte %u: %s", series_result.failed,
                     series_result.first, series_result.why);
    if (!both_alive(rig)) /* it was on its way out for a moment */
        evidence_add(e, "a plugin ends by the cut behind byte %u: %s", series_result.suspect,
                     series_result.suspect_why);
    return series_result.failed == 0;
}

static bool dribble(struct rig *rig, bool *mux, struct evidence *e)
{
    struct trial trial = {
        .rule = {{.how = DRIBBLE, .at = DRIBBLED}, {.how = DRIBBLE, .at = DRIBBLED}},
        .bytes = BYTES,
        .burst = BURST,
        .limit_ms = DRIBBLE_MS,
        .mux = mux};
    char why[WHY_MAX];
    uint64_t begun = now_us();
    middle_retire(&rig->middle);
    bool served = bears(rig, &trial, why);
    unsigned ms = (unsigned)((now_us() - begun) / 1000);
    evidence_add(e, "dribble of single bytes %s in %u ms", served ? "arrives" : "fails", ms);
    if (!served)
        evidence_add(e, "%s", why);
    return served;
}

static bool coalesce(struct rig *rig, bool *mux, struct evidence *e)
{
    struct segmenting rule = {.how = COALESCE, .window_us = WINDOW_US};
    struct trial trial = {.rule = {rule, rule},
                          .bytes = COALESCED,
                          .chunk = COALESCED_PIECE,
                          .limit_ms = COALESCE_MS,
                          .mux = mux};
    char why[WHY_MAX];
    middle_retire(&rig->middle);
    bool served = bears(rig, &trial, why);
    evidence_add(e, "%d bytes each way in pieces, coalesced over %d ms, %s", COALESCED,
                 WINDOW_US / 1000, served ? "arrive" : "fail");
    if (!served)
        evidence_add(e, "%s", why);
    return served;
}

/* Each series gets fresh plugins, so that a crash does not affect the next series. */
static enum outcome play(struct rig *rig, struct evidence *e)
{
    uint64_t percent = (uint64_t)(rig->fixture->thorough ? BUDGET_THOROUGH_MS : BUDGET_MS) * 10;
    uint64_t end = now_us();
    bool mux = false, good = true;
    for (int i = 0; i < SERIES; i++) {
        end += series[i].share * percent;
        good = every_cut(rig, &series[i], end, &mux, e) && good;
        if (!both_alive(rig))
            return FAIL;
    }
    if (mux)
        evidence_add(e, "the pair carries several connections in one");
    good = dribble(rig, &mux, e) && good;
    good = coalesce(rig, &mux, e) && good;
    return good ? PASS : FAIL;
}

enum outcome bears_every_split(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return rig_run(fixture, RIG_ALL, play, e);
}
