/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - what every program of the house is made of: a loop, a worker, listeners, an end.
 */
#ifndef SSP_RELAY_PROGRAM_H
#define SSP_RELAY_PROGRAM_H

#include "relay/service.h"
#include "relay/worker.h"

enum { SSP_PROGRAM_SIGNALS = 4 };

struct ssp__listening;

/* Zero is a valid empty program. */
struct ssp__program {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    struct ssp__worker *worker;
    struct ssp__listening *listening; /* list */
    struct ssp__signal *stop[2];
    struct ssp__signal *heard[SSP_PROGRAM_SIGNALS]; /* ssp__program_on_signal() */
    struct ssp__timer drain;
    bool draining;
    int status; /* of the process, once the loop has stopped */
};

/* Prepares loop, resolver and worker; SIGTERM and SIGINT will stop the loop with status 0, SIGPIPE
 * is ignored.  Returns 0, or -1 with a sentence in *why. */
int ssp__program_open(struct ssp__program *p, const char *nameservers, bool prefer_v6,
                      const char **why);

/*
 * Listens on every address of e and serves each connection by service (borrowed).
 *
 * A wildcard IPv6 address takes IPv4 too unless service->accepted.v6only.  Returns the port (that
 * of the first address, the kernel's choice when e->port is 0), or -1 with errno and a sentence in
 * why.
 */
int ssp__program_listen(struct ssp__program *p, const struct ssp__endpoint *e,
                        const struct ssp__service *service, char *why, size_t why_cap);

/* Serves each connection of a socket that listens already; fd is taken.  Returns 0, or -1 when
 * memory is out. */
int ssp__program_adopt(struct ssp__program *p, int fd, const struct ssp__service *service);

/* Stops and resumes accepting on all listeners; the kernel queues who comes in between. */
void ssp__program_pause(struct ssp__program *p, bool pause);

/* Calls fire(arg) in the loop whenever the process receives signo, such as SIGHUP; for at most
 * SSP_PROGRAM_SIGNALS signals, not SIGTERM and SIGINT.  Returns 0, or -1 when the system refuses.
 */
int ssp__program_on_signal(struct ssp__program *p, int signo, void (*fire)(void *arg), void *arg);

/* Closes all listeners, and stops with status 0 when the last session has ended or ms are over,
 * whichever comes first.  A second call sets the time anew.  UDP is not waited for. */
void ssp__program_drain(struct ssp__program *p, unsigned ms);

/* Runs until stopped.  Returns the status. */
int ssp__program_run(struct ssp__program *p);

/* Ends the loop with this exit status.  The first status given stays. */
void ssp__program_stop(struct ssp__program *p, int status);

void ssp__program_close(struct ssp__program *p);

#endif
