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

int hop_open(struct hop *h, const struct ssp__program *base, const char *name)
{
    h->program = (struct ssp__program){
        .loop = base->loop, .resolver = base->resolver, .status = base->status};
    h->program.worker = ssp__worker_new(base->loop, base->resolver);
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
    return h->program.worker != NULL ? 0 : -1;
}

int hop_listen(struct hop *h, const struct ssp__endpoint *at, char *why, size_t cap)
{
    return ssp__program_listen(&h->program, at, &h->service, why, cap);
}

void hop_close(struct hop *h)
{
    h->program.loop = NULL; /* not ours */
    h->program.resolver = NULL;
    ssp__program_close(&h->program);
}
