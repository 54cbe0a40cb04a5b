/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.h - the workers of a program beside its first one: each a thread with a loop, a resolver and
 * a worker of its own, for sessions that the first thread hands over.
 *
 * The first thread has the listeners, the signals, UDP, and all else that a process has once.  It
 * changes nothing that sessions of the others see unless it holds these: then they stand between
 * two turns of their loops.
 */
#ifndef SSP_RELAY_CREW_H
#define SSP_RELAY_CREW_H

#include "relay/program.h"

struct ssp__crew;

/* Adds workers to a program that is open, whose resolvers are like that of the first one.  Returns
 * 0, or -1 with a sentence in *why. */
int ssp__crew_open(struct ssp__program *program, unsigned others, const char *nameservers,
                   bool prefer_v6, const char **why);

/* Begins the threads; signals are the first one's.  Returns 0, or an error number. */
int ssp__crew_start(struct ssp__crew *crew); /* accepts NULL, as all that follow */

/* Ends the threads; the first one has what they had. */
void ssp__crew_join(struct ssp__crew *crew);

/* They have been joined, and the instances are closed. */
void ssp__crew_free(struct ssp__program *program);

/* Workers beside the first one. */
unsigned ssp__crew_others(const struct ssp__crew *crew);

/* The part of a program that another worker has: loop, resolver and worker. */
struct ssp__program *ssp__crew_program(struct ssp__crew *crew, unsigned other);

/* The worker with the fewest sessions: of several, each in turn.  0 is the first one, others follow
 * from 1. */
unsigned ssp__crew_least_loaded(struct ssp__crew *crew);

/* Sessions that a worker has, numbered like this. */
unsigned ssp__crew_load(const struct ssp__program *program, unsigned worker);

/* Between them, only the first thread runs; they may be nested.  Only it may call them. */
void ssp__crew_hold(struct ssp__crew *crew);
void ssp__crew_release(struct ssp__crew *crew);

#endif
