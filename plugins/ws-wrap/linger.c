/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/linger.h"

bool ws_linger_over(ssp_conn *conn, struct ws_linger *linger, ssp_io *io, unsigned ms)
{
    bool fired = linger->waits && ssp_timer_fired(io);
    if (fired && !linger->moved)
        return true;
    if (!linger->waits || fired) {
        ssp_conn_timer(conn, SSP_WRAP, ms);
        *linger = (struct ws_linger){.waits = true};
    }
    ssp_wait(io);
    return false;
}
