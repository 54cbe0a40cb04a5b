/* SPDX-License-Identifier: Apache-2.0 */
#include "app/listening.h"

#include "procfs/bind_hint.h"
#include <ssplugin/log.h>

#include <errno.h>

void ss_listening_failed(const struct ssp__endpoint *e, unsigned n, enum ssp__transport transport,
                         const char *why)
{
    char text[SSP_BIND_HINT_MAX];
    int error = errno;
    const char *hint = ssp__bind_hint(error, transport, e->port, text);
    if (error == EPERM)
        hint = "TPROXY and outbound_fwmark need CAP_NET_ADMIN";
    bool absent = error == EADDRNOTAVAIL || error == EAFNOSUPPORT; /* then every address is */
    ssp_error("failed to listen on %s address: %s%s%s", n == 1 || absent ? "any" : "every", why,
              hint != NULL ? "; hint: " : "", hint != NULL ? hint : "");
}

void ss_listening_log(const char *line, const struct ssp__endpoint *e, unsigned n)
{
    char text[SSP_HOST_MAX + 8];
    for (unsigned k = 0; k < n; k++) {
        ssp__endpoint_format(&e[k], text, sizeof text);
        ssp_info("%s %s", line, text);
    }
}
