/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.h - what an instance has carried: the one place where its counters are read.
 */
#ifndef SS_APP_TRAFFIC_H
#define SS_APP_TRAFFIC_H

#include "app/instance.h"
#include "proto/users.h"

/* TCP and UDP together. */
struct ssp__counters ss_traffic_of(const struct ss_instance *instance);

/* Both directions, as shadowsocks-libev counts. */
uint64_t ss_traffic_bytes(const struct ss_instance *instance);

/* Calls visit for each user of the instance, if it tells users apart. */
void ss_traffic_each_user(const struct ss_instance *instance, ss_user_visit_fn *visit, void *arg);

/* Logs the counters of the instance and of its users, a line each. */
void ss_traffic_log(const struct ss_instance *instance);

#endif
