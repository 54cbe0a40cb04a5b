/* SPDX-License-Identifier: Apache-2.0 */
#include "hop.h"

enum { DIAL_MS = 30000, LINGER_MS = 30000, IDLE_MS = 24 * 3600 * 1000, GREET_MS = 60000 };

static ssp_verdict nothing(ssp_conn *conn, void *state, ssp_io *io)
{
    (void)conn;
    (void)state;
    (void)io;
    return SSP_CLEAR;
}

static const ssp_codec identity = {
    .size = sizeof(ssp_codec),
    .name = "identity",
    .version = SSP_VERSION,
    .about = "changes nothing",
    .wrap = nothing,
    .unwrap = nothing,
};

static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    const struct hop *h = arg;
    plan->endpoint = &h->to;
    plan->endpoints = 1;
    return query->failed == 0;
}

void hop_open(struct hop *h, struct ssp__program *program, const char *name)
{
    ssp__instance_open(&h->relay, program);
    h->service = (struct ssp__service){
        .name = name,
        .coded = SSP_DIALED,
        .role = SSP_CLIENT,
        .codec = &identity,
        .plan = plan,
        .plan_arg = h,
        .limits = {.greet_ms = GREET_MS,
                   .dial_ms = DIAL_MS,
                   .idle_ms = IDLE_MS,
                   .linger_ms = LINGER_MS},
    };
}

int hop_listen(struct hop *h, const struct ssp__endpoint *at, char *why, size_t cap)
{
    return ssp__instance_listen(&h->relay, at, &h->service, why, cap);
}

void hop_close(struct hop *h)
{
    ssp__instance_close(&h->relay);
}
