/* SPDX-License-Identifier: Apache-2.0 */
#include "udp_ends.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_TYPE_AT = 3, ADDRESS_AT = 4, PORT_AT = 8, IPV4 = 1 };

static int bound_socket(struct sockaddr_in *address)
{
    socklen_t n = sizeof *address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (fd != -1 && bind(fd, (const struct sockaddr *)address, n) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &n) == 0)
        return fd;
    close(fd);
    return -1;
}

int udp_ends_open(struct udp_ends *e, const struct route *route)
{
    struct sockaddr_in door, target, client;
    *e = (struct udp_ends){.connection = -1};
    e->target = bound_socket(&target);
    e->client = bound_socket(&client);
    e->connection = route_associate(route, &door);
    e->head[ADDRESS_TYPE_AT] = IPV4;
    memcpy(e->head + ADDRESS_AT, &target.sin_addr, sizeof target.sin_addr);
    memcpy(e->head + PORT_AT, &target.sin_port, sizeof target.sin_port);
    if (e->target != -1 && e->client != -1 && e->connection != -1 &&
        connect(e->client, (const struct sockaddr *)&door, sizeof door) == 0)
        return 0;
    int cause = errno;
    udp_ends_close(e);
    errno = cause;
    return -1;
}

void udp_ends_close(const struct udp_ends *e)
{
    close(e->connection);
    close(e->client);
    close(e->target);
}
