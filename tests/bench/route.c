/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { VERSION = 5, NO_AUTHENTICATION = 0, CONNECT = 1, IPV4 = 1, SUCCEEDED = 0 };
enum { SILENCE_SECONDS = 5 };

const uint8_t socks_greeting[SOCKS_GREETING_SIZE] = {VERSION, 1, NO_AUTHENTICATION};

void socks_connect(uint8_t message[static SOCKS_CONNECT_SIZE], const struct sockaddr_in *target)
{
    memcpy(message, (const uint8_t[]){VERSION, CONNECT, 0, IPV4}, 4);
    memcpy(message + 4, &target->sin_addr, 4);
    memcpy(message + 8, &target->sin_port, 2);
}

bool socks_chosen(const uint8_t choice[static SOCKS_CHOICE_SIZE])
{
    return choice[0] == VERSION && choice[1] == NO_AUTHENTICATION;
}

bool socks_granted(const uint8_t reply[static SOCKS_REPLY_SIZE])
{
    return reply[0] == VERSION && reply[1] == SUCCEEDED && reply[3] == IPV4;
}

bool write_all(int fd, const uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool read_all(int fd, uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, data, n, 0);
        if (got == 0)
            errno = ECONNRESET;
        if (got <= 0)
            return false;
        data += got;
        n -= (size_t)got;
    }
    return true;
}

static int open_socket(const struct route *route, int flags)
{
    const struct sockaddr_in *to =
        route->entrance.sin_port != 0 ? &route->entrance : &route->target;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd == -1)
        return -1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0 &&
        (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EINPROGRESS))
        return fd;

    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

int route_begin(const struct route *route)
{
    return open_socket(route, SOCK_NONBLOCK);
}

static bool negotiate(int fd, const struct sockaddr_in *target)
{
    uint8_t message[SOCKS_CONNECT_SIZE], reply[SOCKS_REPLY_SIZE];
    socks_connect(message, target);
    if (!write_all(fd, socks_greeting, sizeof socks_greeting) ||
        !read_all(fd, reply, SOCKS_CHOICE_SIZE))
        return false;
    errno = EPROTO;
    if (!socks_chosen(reply) || !write_all(fd, message, sizeof message) ||
        !read_all(fd, reply, sizeof reply))
        return false;
    errno = ECONNREFUSED;
    return socks_granted(reply);
}

int route_dial(const struct route *route)
{
    int fd = open_socket(route, 0);
    if (fd == -1)
        return -1;
    struct timeval silence = {.tv_sec = SILENCE_SECONDS};
    bool ready = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) == 0 &&
                 setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence) == 0;
    if (ready && (!route->socks || negotiate(fd, &route->target)))
        return fd;

    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}
