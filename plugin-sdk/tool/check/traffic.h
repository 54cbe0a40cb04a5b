/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.h - the checks of what a pair carries, by what they look at.  All are check_fn.
 */
#ifndef SSP_CHECK_TRAFFIC_H
#define SSP_CHECK_TRAFFIC_H

#include "check/check.h"

/* carry.c: bytes */
check_fn carries_both_ways, carries_many_at_once;
/* split.c: where the segments end does not matter */
check_fn bears_every_split;
/* ending.c: ends */
check_fn ends_with_backend, half_closes;
/* load.c: memory and descriptors */
check_fn stalls_with_reader, gives_back;
/* upstream.c: the other side of the plugin */
check_fn reports_refusal, dials_only_for_bytes, answers_in_round_trips;
/* udp.c */
check_fn carries_datagrams;

#endif
