/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guardian_main.h - the inside of the guardian process: one loop that obeys its host and buries the
 * dead.
 */
#ifndef SSP_HOST_PROCESS_GUARDIAN_MAIN_H
#define SSP_HOST_PROCESS_GUARDIAN_MAIN_H

#include "host/process/guardian.h"

enum ssp__guardian_command {
    SSP_WARDEN_SPAWN,
    SSP_WARDEN_LOOK, /* wakes it: it looks then */
    SSP_WARDEN_RELOAD,
    SSP_WARDEN_STOP,
    SSP_WARDEN_KILL
};

/* From the host; a listening socket may come along with SPAWN. */
struct ssp__guardian_order {
    enum ssp__guardian_command what;
    uint16_t port;
};

/* The life of a guardian, in the forked process.  Reports go to control_fd; the plugin writes to
 * output_fd and notify_fd. */
_Noreturn void ssp__guardian_main(const struct ssp__guardian_plan *plan, int control_fd,
                                  int output_fd, int notify_fd);

#endif
