/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    VERSION = 5,
    NO_AUTHENTICATION = 0,
    USER_PASSWORD = 2,
    USER_VERSION = 1,
    CONNECT = 1,
    ASSOCIATE = 3,
    IPV4 = 1,
    SUCCEEDED = 0
};
enum { COMMAND_AT = 1, ADDRESS_AT = 4 };
enum { SILENCE_SECONDS = 5 };

static uint8_t method(const struct route *route)
{
    return route->user != NULL ? USER_PASSWORD : NO_AUTHENTICATION;
}

void socks_greet(uint8_t message[static SOCKS_GREETING_SIZE], const struct route *route)
{
    memcpy(message, (const uint8_t[]){VERSION, 1, method(route)}, SOCKS_GREETING_SIZE);
}

size_t socks_credentials(uint8_t message[static SOCKS_CREDENTIALS_MAX], const struct route *route)
{
    size_t n = strnlen(route->user, SOCKS_USER_MAX);
    memcpy(message, (const uint8_t[]){USER_VERSION, (uint8_t)n}, 2);
    memcpy(message + 2, route->user, n);
    memcpy(message + 2 + n, "\1", 2); /* a password of one byte, and that byte */
    return 2 + n + 2;
}

void socks_connect(uint8_t message[static SOCKS_CONNECT_SIZE], const struct sockaddr_in *target)
{
    memcpy(message, (const uint8_t[]){VERSION, CONNECT, 0, IPV4}, 4);
    memcpy(message + 4, &target->sin_addr, 4);
    memcpy(message + 8, &target->sin_port, 2);
}

bool socks_chosen(const struct route *route, const uint8_t choice[static SOCKS_CHOICE_SIZE])
{
    return choice[0] == VERSION && choice[1] == method(route);
}

bool socks_admitted(const uint8_t answer[static SOCKS_CHOICE_SIZE])
{
    return answer[0] == USER_VERSION && answer[1] == SUCCEEDED;
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

/* The port stays to be chosen by connect, by source and destination together. */
static bool set_source(int fd, const struct route *route)
{
    const struct sockaddr_in *source = &route->source;
    return source->sin_family == 0 ||
           (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int)) == 0 &&
            bind(fd, (const struct sockaddr *)source, sizeof *source) == 0);
}

static int open_socket(const struct route *route, int flags)
{
    const struct sockaddr_in *to =
        route->entrance.sin_port != 0 ? &route->entrance : &route->target;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd == -1)
        return -1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0 &&
        set_source(fd, route) &&
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

static bool identify(int fd, const struct route *route)
{
    uint8_t message[SOCKS_CREDENTIALS_MAX], answer[SOCKS_CHOICE_SIZE];
    if (route->user == NULL)
        return true;
    return write_all(fd, message, socks_credentials(message, route)) &&
           read_all(fd, answer, sizeof answer) && socks_admitted(answer);
}

/* Asks for a connection to the target or, without one, for an association. */
static bool negotiate(int fd, const struct route *route, const struct sockaddr_in *target,
                      uint8_t reply[static SOCKS_REPLY_SIZE])
{
    static const struct sockaddr_in none;
    uint8_t message[SOCKS_CONNECT_SIZE];
    socks_greet(message, route);
    if (!write_all(fd, message, SOCKS_GREETING_SIZE) || !read_all(fd, reply, SOCKS_CHOICE_SIZE))
        return false;
    errno = EPROTO;
    if (!socks_chosen(route, reply) || !identify(fd, route))
        return false;
    socks_connect(message, target != NULL ? target : &none);
    message[COMMAND_AT] = target != NULL ? CONNECT : ASSOCIATE;
    if (!write_all(fd, message, sizeof message) || !read_all(fd, reply, SOCKS_REPLY_SIZE))
        return false;
    errno = ECONNREFUSED;
    return socks_granted(reply);
}

static int dial(const struct route *route, const struct sockaddr_in *target,
                uint8_t reply[static SOCKS_REPLY_SIZE])
{
    int fd = open_socket(route, 0);
    if (fd == -1)
        return -1;
    struct timeval silence = {.tv_sec = SILENCE_SECONDS};
    bool ready = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) == 0 &&
                 setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence) == 0;
    if (ready && (!route->socks || negotiate(fd, route, target, reply)))
        return fd;

    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

int route_dial(const struct route *route)
{
    uint8_t reply[SOCKS_REPLY_SIZE];
    return dial(route, &route->target, reply);
}

int route_associate(const struct route *route, struct sockaddr_in *door)
{
    uint8_t reply[SOCKS_REPLY_SIZE];
    int fd = dial(route, NULL, reply);
    *door = (struct sockaddr_in){.sin_family = AF_INET};
    memcpy(&door->sin_addr, reply + ADDRESS_AT, sizeof door->sin_addr);
    memcpy(&door->sin_port, reply + ADDRESS_AT + sizeof door->sin_addr, sizeof door->sin_port);
    return fd;
}
