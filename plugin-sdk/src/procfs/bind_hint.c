/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs/bind_hint.h"

#include <errno.h>
#include <stdio.h>

enum { OWNER_MAX = 128 };

const char *ssp__bind_hint(int error, enum ssp__transport transport, uint16_t port,
                           char text[SSP_BIND_HINT_MAX])
{
    char owner[OWNER_MAX];
    if (error == EADDRINUSE && ssp__port_owner(transport, port, owner, sizeof owner) == 1)
        (void)snprintf(text, SSP_BIND_HINT_MAX, SSP_PORT_IS_TAKEN, port, owner);
    else if (error == EACCES && port < SSP_PRIVILEGED_PORTS)
        (void)snprintf(text, SSP_BIND_HINT_MAX, SSP_PORT_IS_PRIVILEGED, port);
    else
        return NULL;
    return text;
}
