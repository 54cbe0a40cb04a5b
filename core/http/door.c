/* SPDX-License-Identifier: Apache-2.0 */
#include "http/door.h"

#include "http/proxy.h"
#include "proto/socks.h"

enum kind { UNKNOWN = 0, SOCKS, HTTP };

struct door_state {
    enum kind kind;
    union {
        struct ss_socks_state socks; /* at first */
        struct ss_proxy_state proxy;
    } u;
};

static bool is_letter(uint8_t c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    struct door_state *d = state;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (d->kind == UNKNOWN && n == 0) {
        ssp_need(io, 1);
        return SSP_MORE;
    }
    if (d->kind == UNKNOWN) {
        d->kind = is_letter(in[0]) ? HTTP : SOCKS; /* which refuses all that it does not know */
        if (d->kind == HTTP)
            d->u.proxy = (struct ss_proxy_state){.phase = SS_PROXY_HEAD};
    }
    return d->kind == SOCKS ? ss_socks_feed(conn, &d->u.socks, io, target)
                            : ss_proxy_feed(conn, &d->u.proxy, io, target);
}

static ssp_verdict answer(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target,
                          enum ssp__reach reach)
{
    struct door_state *d = state;
    return d->kind == HTTP ? ss_proxy_answer(conn, &d->u.proxy, io, target, reach) : SSP_CLEAR;
}

static void keep_reached(ssp_conn *conn, void *state, const struct ssp__address *reached)
{
    struct door_state *d = state;
    ss_socks_open(conn, &d->u.socks, reached);
}

const struct ssp__front ss_door_front = {
    .name = "door", .state_size = sizeof(struct door_state), .feed = feed, .answer = answer};
const struct ssp__front ss_door_udp_front = {.name = "door",
                                             .state_size = sizeof(struct door_state),
                                             .open = keep_reached,
                                             .feed = feed,
                                             .answer = answer};
