/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - the endpoint to dial, and how: the decision in which programs differ.
 */
#ifndef SSP_RELAY_PLAN_H
#define SSP_RELAY_PLAN_H

#include "base/front.h"
#include "base/permit.h"
#include "relay/way.h"

/* When a plan is asked.  UDP asks it ON_TARGET, for every packet of a client. */
enum ssp__occasion {
    SSP_ON_ACCEPT,  /* no byte has come; only without a front */
    SSP_ON_TARGET,  /* the front has named the target; without a front, payload has come */
    SSP_ON_FOREIGN, /* the codec disowned the bytes of the accepted side */
    SSP_ON_DIVERT   /* the codec understands the accepted side, and diverts it */
};

struct ssp__plan_query {
    enum ssp__occasion occasion;
    const struct ssp__target *target; /* NULL: not known */
    unsigned failed;                  /* dials that failed since this occasion */
    bool untried; /* the last of them had no address: none was found, or none was permitted */
    char *why;    /* SSP_PERMIT_WHY_MAX bytes: a plan that refuses the target names the rule */
    struct ssp__way *way; /* of the association that a packet belongs to; may be NULL */
};

struct ssp__plan {
    const struct ssp__endpoint *endpoint; /* one of them is dialed; borrowed until the plan is asked
                                             again, or the session is over */
    unsigned endpoints;
    bool coded;      /* preset: through the codec; else the two sides are joined as they are */
    bool say_target; /* the target header is sent first to the dialed side */
    ssp__permit_fn *permit; /* asked, with the argument of the plan, of every address that is
                               dialed; NULL: all may be */

    struct ssp__way *way; /* NULL: the codec, keys and sockets are those of the service */
    unsigned dial_ms;     /* 0: as the service says */
    uint64_t tried;       /* the plan's own: preset with what it left there since the occasion */
};

/*
 * Fills *plan, again each time that a dial has failed; no byte of the accepted side has been sent
 * then.
 *
 * Returns false when nothing is to be dialed: a session waits for payload (ON_ACCEPT), is reset
 * (ON_TARGET, and after a failed dial), or is drained (ON_FOREIGN, ON_DIVERT); a packet is dropped.
 *
 * A packet goes to one of the endpoints, the same for all packets of a client.  Without a target
 * the endpoints are those whose answers are taken.
 */
typedef bool ssp__plan_fn(const void *arg, const struct ssp__plan_query *query,
                          struct ssp__plan *plan);

#endif
