/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.h - the inside of the guardian process: one loop that obeys its host and buries the dead.
 */
#ifndef SSP_HOST_WARDEN_H
#define SSP_HOST_WARDEN_H

#include "host/guardian.h"

enum ssp_warden_command {
    SSP_WARDEN_SPAWN,
    SSP_WARDEN_LOOK, /* wakes it: it looks then */
    SSP_WARDEN_RELOAD,
    SSP_WARDEN_STOP,
    SSP_WARDEN_KILL
};

/* From the host; a listening socket may come along with SPAWN. */
struct ssp_warden_order {
    enum ssp_warden_command what;
    uint16_t port;
};

/* The life of a guardian, in the forked process.  Reports go to control_fd; the plugin writes to
 * output_fd and notify_fd. */
_Noreturn void ssp_warden_run(const struct ssp_guardian_plan *plan, int control_fd, int output_fd,
                              int notify_fd);

#endif
