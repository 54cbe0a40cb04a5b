/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.h - the sessions whose peers have not authenticated, and which of them ends when there
 * are too many: the oldest.
 *
 * A source, an IPv4 address or the first half of an IPv6 address, has a limit of its own, so that
 * one source only displaces itself.  Constant time.  One admission per thread; not locked.
 */
#ifndef SSP_RELAY_ADMISSION_H
#define SSP_RELAY_ADMISSION_H

#include "base/address.h"
#include "base/slab.h"
#include "net/loop.h"

#include <ssplugin/drive.h>

struct ssp__admission;

/* It is one of n, among which the connections of each source are divided; 1 at first. */
void ssp__admission_share(struct ssp__admission *admission, unsigned n);

/* One such session. */
struct ssp__applicant;

/* slabs is borrowed for its life.  NULL when memory is out. */
struct ssp__admission *ssp__admission_new(const ssp_world *world, struct ssp__slabs *slabs);
void ssp__admission_free(struct ssp__admission *admission); /* all have left; accepts NULL */

/* Enters a session (owner) from peer; without a peer it is of no source.  NULL when memory is out.
 */
struct ssp__applicant *ssp__admission_enter(struct ssp__admission *admission,
                                            const struct ssp__address *peer, void *owner);

/* It has authenticated, or is over; makes *applicant NULL, and accepts NULL in it. */
void ssp__admission_leave(struct ssp__admission *admission, struct ssp__applicant **applicant);

/* The owner that is to end before one more of peer may enter; NULL: it may.  per_source 0: as many
 * as the limit of descriptors suggests. */
void *ssp__admission_surplus_of(const struct ssp__admission *admission,
                                const struct ssp__address *peer, unsigned per_source);

/* The same, of all sources. */
void *ssp__admission_surplus(const struct ssp__admission *admission);

/* The oldest; NULL without one. */
void *ssp__admission_oldest(const struct ssp__admission *admission);

/* True when the kernel gave fd from the last descriptors, which are for others. */
bool ssp__admission_few_left(const struct ssp__admission *admission, int fd);

/* The kernel has refused a descriptor: its limit may have been changed from outside. */
void ssp__admission_refused(struct ssp__admission *admission);

/* The pause between two reads of input that is dropped; fire gets the owner. */
void ssp__applicant_rest(ssp_loop *loop, struct ssp__applicant *applicant, unsigned ms,
                         void (*fire)(void *owner));
bool ssp__applicant_rests(const struct ssp__applicant *applicant); /* accepts NULL */

#endif
