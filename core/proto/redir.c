/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/redir.h"

#include "proto/target.h"

struct redir_state {
    struct ssp__address dialed;
};

static bool listed(const struct ss_redir_known *known, const struct ssp__address *a)
{
    for (unsigned i = 0; i < known->n && i < SS_REDIR_KNOWN; i++) {
        if (ssp__address_same(&known->address[i], a))
            return true;
    }
    return false;
}

void ss_redir_know(struct ss_redir_known *known, const struct ssp__address *a)
{
    (void)pthread_mutex_lock(&known->lock);
    if (!listed(known, a))
        known->address[known->n++ % SS_REDIR_KNOWN] = *a;
    (void)pthread_mutex_unlock(&known->lock);
}

static bool knows(struct ss_redir_known *known, const struct ssp__address *a)
{
    (void)pthread_mutex_lock(&known->lock);
    bool found = listed(known, a);
    (void)pthread_mutex_unlock(&known->lock);
    return found;
}

static bool is_server(const struct ss_redir_conf *c, const struct ssp__address *a)
{
    return c->is_server(c->arg, a) || knows(c->known, a);
}

/* Fills *target.  Returns NULL, or why there is none. */
static const char *find_target(const struct ss_redir_conf *c, const struct ssp__address *dialed,
                               struct ssp__target *target)
{
    if (dialed->len == 0)
        return "loop refused: sent to this port itself, not brought here by a rule";
    if (is_server(c, dialed))
        return "loop refused: the target is the server itself; let it go around the rules";
    return ss_target_set_address(target, dialed) == 0 ? NULL : "invalid port";
}

/* ---- streams ---- */

static void keep_dialed(ssp_conn *conn, void *state, const struct ssp__address *dialed)
{
    struct redir_state *kept = state;
    (void)conn;
    kept->dialed = *dialed;
}

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    const struct redir_state *kept = state;
    struct ssp__target found;
    (void)io;
    const char *why = find_target(ssp_conn_conf(conn), &kept->dialed, &found);
    if (why != NULL) {
        ssp_conn_why(conn, "%s", why);
        return SSP_FAIL;
    }
    *target = found;
    target->replaced = false;
    return SSP_CLEAR;
}

/* ---- packets ---- */

static int asked(struct ssp__packet_io *p)
{
    struct ssp__target target = {.header_len = 0};
    p->why = find_target(p->front_conf, p->reached, &target);
    if (p->why != NULL)
        return -1;
    ss_target_prepend(p, &target);
    return 0;
}

static int answered(struct ssp__packet_io *p)
{
    struct ssp__target from;
    p->source = *p->from;
    if (p->bare)
        return 0;
    int size = ss_target_of_packet(p, &from);
    if (size == -1)
        return -1;
    p->why = "an answer from a name, not from an address";
    if (!ssp__endpoint_address(&from.endpoint, &p->source))
        return -1;
    p->bytes += size;
    p->len -= (size_t)size;
    return 0;
}

const struct ssp__front ss_redir_front = {
    .name = "redir", .state_size = sizeof(struct redir_state), .open = keep_dialed, .feed = feed};
const struct ssp__packet_front ss_redir_packet_front = {
    .name = "redir", .asked = asked, .answered = answered};
