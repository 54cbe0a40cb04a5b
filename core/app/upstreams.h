/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstreams.h - the servers that a client chooses among, which the listeners of a process share,
 * and the plans that say which one a connection, or an association of UDP, goes to.
 */
#ifndef SS_APP_UPSTREAMS_H
#define SS_APP_UPSTREAMS_H

#include "app/instance.h"
#include "app/upstream.h"

/* A client gets the servers of its conf, which forgets their keys; those of one conf are made once.
 * Returns 0, or -1 after a log line. */
int ss_upstreams_join(struct ss_instance *instance);
void ss_upstreams_leave(struct ss_instance *instance); /* accepts one that has not joined */

/* Fills what the service has of its servers, for streams and for packets. */
void ss_upstreams_serve(struct ss_upstreams *set, struct ssp__service *service);
void ss_upstreams_serve_packets(struct ss_upstreams *set, struct ssp__service *service);

/* The plan of a connection, after so many dials that failed, and that of a packet.  False: there is
 * no server that can be used. */
bool ss_upstreams_plan(struct ss_upstreams *set, unsigned failed, struct ssp__plan *plan);
bool ss_upstreams_plan_packet(struct ss_upstreams *set, const struct ssp__plan_query *query,
                              struct ssp__plan *plan);

/* Calls visit for each. */
void ss_upstreams_each(const struct ss_upstreams *set,
                       void (*visit)(void *arg, const struct ss_upstream *upstream), void *arg);

/* How one of them stands now, as sessions of all workers have found it. */
struct ss_standing ss_upstreams_standing(const struct ss_upstream *upstream);

/* True when one of them takes packets. */
bool ss_upstreams_take_packets(const struct ss_upstreams *set);

/* Starts the plugins, once; clients wait in the backlog until a server can be used.  Returns 0, or
 * -1 after a log line. */
int ss_upstreams_start(struct ss_upstreams *set);

/* A new configuration for the servers that the clients of a process have: those that are in both
 * stay, with their plugins and their standing, others are made; those that are in none of it end
 * with their last session. */
struct ss_upstreams_change {
    struct ss_upstreams *set;  /* NULL: the process has none */
    struct ss_upstream **next; /* as they will be */
    size_t n;
    const struct ss_conf *former;
};

/* Makes what is new of conf, which forgets its keys; clients that join meanwhile are of conf.
 * Returns NULL, or the reason to refuse it, which is empty after a log line, and ends by one of the
 * two that follow. */
const char *ss_upstreams_prepare(struct ss_upstreams_change *change, struct ss_process *process,
                                 struct ss_conf *conf);
void ss_upstreams_abort(struct ss_upstreams_change *change);
void ss_upstreams_commit(struct ss_upstreams_change *change); /* cannot fail */

/* Pauses the client, or says that it is ready, as the servers are. */
void ss_upstreams_report(struct ss_instance *instance);

#endif
