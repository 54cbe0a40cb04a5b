/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSP_BASE_LIVENESS_H
#define SSP_BASE_LIVENESS_H

/* Whether the process at the other end of a connection lives. */
enum ssp__liveness {
    SSP_LIVES,
    SSP_DEAD,    /* it has begun to exit, or is gone */
    SSP_LEAVING, /* a process beside it exits, which it may follow: ask again, this does not last */
    SSP_UNKNOWN, /* news of its death may still be on the way */
};

#endif
