/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guardian_main.h - the guardian process: one loop that takes orders of its host and reaps the
 * plugin.
 */
#ifndef SSP_HOST_PROCESS_GUARDIAN_MAIN_H
#define SSP_HOST_PROCESS_GUARDIAN_MAIN_H

#include "host/process/guardian.h"

enum ssp__guardian_command {
    SSP_ORDER_SPAWN,
    SSP_ORDER_LOOK, /* wakes it, so that it checks for the socket */
    SSP_ORDER_RELOAD,
    SSP_ORDER_RETIRE,
    SSP_ORDER_STOP,
    SSP_ORDER_KILL
};

/* An order of the host; listening sockets may be attached to SPAWN. */
struct ssp__guardian_order {
    enum ssp__guardian_command what;
    uint16_t port;
};

/* Runs the guardian in the forked process.  Reports go to control_fd; the plugin writes to
 * output_fd and notify_fd. */
_Noreturn void ssp__guardian_main(const struct ssp__guardian_plan *plan, int control_fd,
                                  int output_fd, int notify_fd);

#endif
