/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - the parts of a process that exist once: a loop, a worker, signals, an exit status.
 */
#ifndef SSP_RELAY_PROGRAM_H
#define SSP_RELAY_PROGRAM_H

#include "relay/worker.h"

enum { SSP_PROGRAM_SIGNALS = 4 };

/* Zero is a valid empty program. */
struct ssp__program {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    struct ssp__socket_options lookups; /* of the resolver's sockets */
    struct ssp__worker *worker;
    struct ssp__crew *crew; /* other workers, see crew.h; NULL: there are none */
    struct ssp__signal *stop[2];
    struct ssp__signal *heard[SSP_PROGRAM_SIGNALS]; /* ssp__program_on_signal() */
    int status;                                     /* of the process, once the loop has stopped */
};

/* Prepares loop, resolver and worker; SIGTERM and SIGINT will stop the loop with status 0, SIGPIPE
 * is ignored.  Returns 0, or -1 with a sentence in *why. */
int ssp__program_open(struct ssp__program *p, const char *nameservers, bool prefer_v6,
                      const char **why);

/* The same without signals, for a thread beside that one. */
int ssp__program_open_other(struct ssp__program *p, const char *nameservers, bool prefer_v6,
                            const char **why);

/* Calls fire(arg) in the loop whenever the process receives signo, such as SIGHUP; for at most
 * SSP_PROGRAM_SIGNALS signals, not SIGTERM and SIGINT.  Returns 0, or -1 when the system refuses.
 */
int ssp__program_on_signal(struct ssp__program *p, int signo, void (*fire)(void *arg), void *arg);

/* Packets to name servers have this mark; 0: none. */
void ssp__program_mark_lookups(struct ssp__program *p, unsigned fwmark);

/* Runs until stopped.  Returns the status. */
int ssp__program_run(struct ssp__program *p);

/* Ends the loop with this exit status.  The first status given stays. */
void ssp__program_stop(struct ssp__program *p, int status);

/* Its instances are closed. */
void ssp__program_close(struct ssp__program *p);

#endif
