/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.h - what an instance has carried: the one place where its counters are read.
 */
#ifndef SS_APP_TRAFFIC_H
#define SS_APP_TRAFFIC_H

#include "app/instance.h"
#include "proto/users.h"

/* TCP and UDP together, also of those that it has replaced. */
struct ssp__counters ss_traffic_of(const struct ss_instance *instance);

/* The port at which clients know it. */
unsigned ss_traffic_port(const struct ss_instance *instance);

/* Both directions, as shadowsocks-libev counts. */
uint64_t ss_traffic_bytes(const struct ss_instance *instance);

/* Calls visit for each user of the instance, if it tells users apart. */
void ss_traffic_each_user(const struct ss_instance *instance, ss_user_visit_fn *visit, void *arg);

/* Instances together. */
struct ss_traffic_sum {
    unsigned ports, live; /* live: connections */
    struct ssp__counters counters;
};
void ss_traffic_add(struct ss_traffic_sum *sum, const struct ss_instance *instance);

/* Writes them in a few words, for a service manager. */
void ss_traffic_describe(const struct ss_traffic_sum *sum, char text[SS_STATUS_MAX]);

/* Logs the counters of the instance and of its users, a line each. */
void ss_traffic_log(const struct ss_instance *instance);

#endif
