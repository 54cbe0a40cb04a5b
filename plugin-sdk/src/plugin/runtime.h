/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - a plugin while it runs: signals, the death of the host, and notices to the host.
 *
 * SIGTERM and SIGINT end it, after the drain; SIGHUP and changed files make it read files again,
 * SIGUSR1 logs the counters, SIGUSR2 asks whether the host still lives, SIGWINCH leaves the sockets
 * to another process.
 */
#ifndef SSP_PLUGIN_RUNTIME_H
#define SSP_PLUGIN_RUNTIME_H

#include "options/settings.h"
#include "plugin/files.h"
#include "plugin/tunnel.h"

/* Zero is valid and not begun. */
struct ssp__runtime {
    struct ssp__tunnel *tunnel;
    struct ssp__settings *settings;
    struct ssp__files *files;
    int notify_fd;      /* -1: the host reads no notices */
    const char *status; /* borrowed: where it listens, for people */
    bool draining, following;
    struct ssp__signal *stop[2];
    struct ssp__watch *input;
    struct ssp__timer report, look; /* the next STATS line; at the parent, where no signal tells */
    ssp_stats told;                 /* the last STATS line */
};

/* From the first moment until the loop stands: SIGTERM, SIGINT and the death of a host end the
 * program at once with status 0, the other signals do nothing.  Returns 0, or -1 when the host is
 * dead already. */
int ssp__runtime_prepare(bool hosted);

/* Takes over once the tunnel is open; a process with a host ends with it.  tunnel, settings and
 * files, which have been checked, are borrowed.  Returns 0, 1 when the host is dead already or asks
 * the plugin to stop, or -1 with errno when the system refuses. */
int ssp__runtime_begin(struct ssp__runtime *life, struct ssp__tunnel *tunnel,
                       struct ssp__settings *settings, struct ssp__files *files, bool hosted);

/* Reports that everything listens; status is a line for people, borrowed.  True when the host got
 * the notice and logs it. */
bool ssp__runtime_ready(struct ssp__runtime *life, const char *status);

/* Writes the status, while the plugin is ready, and the counters to a new socket; closes it.  An
 * ssp__accept_fn. */
void ssp__runtime_tell(void *life, int fd, const struct ssp__address *peer);

/* Counters have changed, or are about to. */
void ssp__runtime_stir(void *life);

/* Sends the notices that are still due.  Accepts a runtime that has not begun. */
void ssp__runtime_end(struct ssp__runtime *life);

#endif
