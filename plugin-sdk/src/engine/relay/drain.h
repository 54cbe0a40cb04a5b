/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.h - counts the sessions of an instance, and waits for the end of the last one.
 */
#ifndef SSP_RELAY_DRAIN_H
#define SSP_RELAY_DRAIN_H

#include "relay/instance.h"

/* One session more, and one less. */
void ssp__drain_joined(struct ssp__instance *instance);
void ssp__drain_left(struct ssp__instance *instance);

/* Looks whether an instance that drains has no session any more, on any worker. */
void ssp__drain_look(void *instance);

/* Calls done(arg) once, see ssp__instance_drain(). */
void ssp__drain_begin(struct ssp__instance *instance, unsigned ms, void (*done)(void *arg),
                      void *arg);

void ssp__drain_cancel(struct ssp__instance *instance);

#endif
