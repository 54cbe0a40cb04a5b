/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ready/port.h"

#include "net/socket.h"

#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 16 }; /* for a port that is free for both TCP and UDP */

/* Binds to the port, 0 being one of the system's choice, and lets it go.  Returns it, or 0. */
static uint16_t try_port(const char *host, int type, uint16_t port)
{
    struct ssp__address a;
    if (ssp__address_parse(&a, host, port) == -1)
        return 0;
    int fd = socket(a.u.any.sa_family, type | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return 0;
    bool bound = bind(fd, &a.u.any, a.len) == 0 && getsockname(fd, &a.u.any, &a.len) == 0;
    (void)close(fd);
    return bound ? ssp__address_port(&a) : 0;
}

uint16_t ssp__port_free(const char *host, ssp_mode mode)
{
    if (mode != SSP_TCP_AND_UDP)
        return try_port(host, mode == SSP_UDP_ONLY ? SOCK_DGRAM : SOCK_STREAM, 0);
    for (int i = 0; i < TRIES; i++) {
        uint16_t port = try_port(host, SOCK_STREAM, 0);
        if (port != 0 && try_port(host, SOCK_DGRAM, port) == port)
            return port;
    }
    return 0;
}

int ssp__port_listen(const char *host, ssp_mode mode, bool paced, uint16_t *port)
{
    const struct ssp__socket_options plain = {.fast_open = false};
    struct ssp__address a;
    const uint16_t wanted = *port;
    for (int i = 0; i < TRIES && mode != SSP_UDP_ONLY; i++) {
        int fd =
            ssp__address_parse(&a, host, wanted) == 0 ? ssp__socket_listen(&a, &plain, paced) : -1;
        if (fd == -1 || getsockname(fd, &a.u.any, &a.len) == -1) {
            if (fd != -1)
                (void)close(fd);
            return -1;
        }
        *port = ssp__address_port(&a);
        if (mode == SSP_TCP_ONLY || try_port(host, SOCK_DGRAM, *port) == *port)
            return fd;
        (void)close(fd);
    }
    return -1;
}
