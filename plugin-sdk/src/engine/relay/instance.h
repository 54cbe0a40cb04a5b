/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.h - one server of a program: its listeners, its sessions and their counters.
 *
 * A program has any number of them.  Each pauses, drains and ends without the others.
 */
#ifndef SSP_RELAY_INSTANCE_H
#define SSP_RELAY_INSTANCE_H

#include "base/bucket.h"
#include "base/counters.h"
#include "relay/crew.h"
#include "relay/service.h"

struct ssp__listening;
struct ssp__session;

/* Traffic, and how much of it there may be.  Zero is one without limits. */
struct ssp__meter {
    struct ssp__counters counters;   /* of UDP too, where a relay is beside it */
    struct ssp__allowance allowance; /* of these */
    struct ssp__bucket bucket;       /* the same */
    struct ssp__meter *mate; /* of sessions on other workers, borrowed; NULL: there are none */
};

/* It must not move.  Zero is a closed one. */
struct ssp__instance {
    struct ssp__program *program; /* borrowed; of a mate, that of its worker */
    struct ssp__instance *mate;   /* has the sessions on each other worker; owned; NULL: none */
    unsigned mates;
    struct ssp__instance *chief;      /* of a mate: the one whose sessions it has */
    struct ssp__listening *listening; /* list */
    struct ssp__session *sessions;    /* all that live */
    unsigned live;
    struct ssp__meter *meter; /* own, or one that others have, too; borrowed */
    struct ssp__meter own;
    void (*on_busy)(void *arg); /* the first session has begun; may be NULL */
    void *busy_arg;
    void (*on_drained)(void *arg); /* NULL: not draining */
    void *drained_arg;
    struct ssp__timer drain;
    bool draining; /* of a mate */
    struct ssp__post
        emptied; /* of a mate that drains, in the first thread: it has no session left */
};

/* With a meter of its own; another one is set before the first session. */
void ssp__instance_open(struct ssp__instance *instance, struct ssp__program *program);

/* Its sessions are on all workers of the program from now on; its meter, if it is not its own, has
 * one for each other worker.  They have no limits.  Returns 0, or -1 when memory is out. */
int ssp__instance_spread(struct ssp__instance *instance);

/* Sessions, on all workers, and what they have carried. */
unsigned ssp__instance_live(const struct ssp__instance *instance);
struct ssp__counters ssp__meter_sum(const struct ssp__meter *meter, unsigned others);

/* Limits the traffic of its meter from now on.  Without bytes left its sessions end with their next
 * byte, and new ones are treated as those that do not authenticate. */
void ssp__instance_limit(struct ssp__instance *instance, const struct ssp__allowance *allowance);

/*
 * Listens on every address of e and serves each connection by service (borrowed).
 *
 * A wildcard IPv6 address takes IPv4 too unless service->accepted.v6only.  Returns the port (that
 * of the first address, the kernel's choice when e->port is 0), or -1 with errno and a sentence in
 * why.
 */
int ssp__instance_listen(struct ssp__instance *instance, const struct ssp__endpoint *e,
                         const struct ssp__service *service, char *why, size_t why_cap);

/* Serves each connection of a socket that listens already; fd is taken.  Returns 0, or -1 when
 * memory is out. */
int ssp__instance_adopt(struct ssp__instance *instance, int fd, const struct ssp__service *service);

/* Calls visit with each socket that listens. */
void ssp__instance_each_socket(const struct ssp__instance *instance,
                               void (*visit)(void *arg, int fd), void *arg);

/* Serves the connections of all listeners of another instance by service, from now on beside it:
 * once that one is closed, no connection that waited has been lost.  Returns 0, or -1 with errno.
 */
int ssp__instance_inherit(struct ssp__instance *instance, const struct ssp__instance *other,
                          const struct ssp__service *service);

/* Stops and resumes accepting on all listeners; the kernel queues new connections meanwhile. */
void ssp__instance_pause(struct ssp__instance *instance, bool pause);

/* Closes all listeners, and calls done(arg) once, when the last session has ended or ms are over,
 * whichever comes first; done may close the instance.  A second call sets the time again.  UDP is
 * not waited for. */
void ssp__instance_drain(struct ssp__instance *instance, unsigned ms, void (*done)(void *arg),
                         void *arg);

/* Closes its listeners and resets its sessions; the meter stays, without limits if it is its
 * own.  Not from within a codec, a
 * front or a plan. */
void ssp__instance_close(struct ssp__instance *instance);

/* A process on the coded side of some sessions has died: resets these sessions, on
 * both sides.  Not from within a codec, a front or a plan. */
void ssp__sessions_note_death(struct ssp__instance *instance);

#endif
