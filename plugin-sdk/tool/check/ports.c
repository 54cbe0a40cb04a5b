/* SPDX-License-Identifier: Apache-2.0 */
#include "check/process.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PORT_FIRST = 10000, PORT_LAST = 32000, ATTEMPTS = 400 };

/* The first port that the kernel itself gives to sockets. */
static unsigned ephemeral_first(void)
{
    char text[32] = "";
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file == NULL)
        return PORT_LAST;
    if (fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    (void)fclose(file);
    unsigned first = (unsigned)strtoul(text, NULL, 10);
    return first > PORT_FIRST + ATTEMPTS && first < PORT_LAST ? first : PORT_LAST;
}

/* An abstract name is a lock that ends with its holder, and of which all instances of the tool in
 * one network namespace know. */
static int lock_port(unsigned port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "ss-plugin/port/%u", port);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    if (bind(fd, (struct sockaddr *)&name, len) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Also without SO_REUSEADDR: connections of an earlier check may still be in TIME_WAIT there, and
 * not every plugin can bind then. */
static bool bindable(int family, int type, uint16_t port)
{
    struct ssp__address a = {.len = 0};
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return true; /* a family that the kernel lacks has no sockets */
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    bool good = ssp__address_parse(&a, family == AF_INET6 ? "::" : "0.0.0.0", port) == 0 &&
                bind(fd, &a.u.any, a.len) == 0;
    (void)close(fd);
    return good;
}

static bool unused(uint16_t port)
{
    return bindable(AF_INET, SOCK_STREAM, port) && bindable(AF_INET6, SOCK_STREAM, port) &&
           bindable(AF_INET, SOCK_DGRAM, port) && bindable(AF_INET6, SOCK_DGRAM, port);
}

uint16_t port_reserve(void)
{
    unsigned last = ephemeral_first(), random = 0;
    for (int i = 0; i < ATTEMPTS; i++) {
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return 0;
        unsigned port = PORT_FIRST + random % (last - PORT_FIRST);
        int fd = lock_port(port);
        if (fd == -1)
            continue;
        if (unused((uint16_t)port))
            return (uint16_t)port; /* the lock stays */
        (void)close(fd);
    }
    return 0;
}
