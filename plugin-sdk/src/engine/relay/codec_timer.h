/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_timer.h - the timers that a session's codec has asked for, see ssp_conn_timer().
 *
 * A session whose codec never asks has nothing of it.
 */
#ifndef SSP_RELAY_CODEC_TIMER_H
#define SSP_RELAY_CODEC_TIMER_H

#include "relay/session_impl.h"

/* At the end of a turn: fire(s) is called when a timer is due whose direction can run.  Returns 0,
 * or -1 when memory is out. */
int ssp__codec_timer_arm(struct ssp__session *s, void (*fire)(void *arg));

/* Runs the directions whose timers are due. */
void ssp__codec_timer_run(struct ssp__session *s);

void ssp__codec_timer_free(struct ssp__session *s);

#endif
