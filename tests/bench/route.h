/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h - the way to the origin: through a SOCKS5 proxy (RFC 1928), through a tunnel that
 * ends there, or straight.
 */
#ifndef LOADGEN_ROUTE_H
#define LOADGEN_ROUTE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOCKS_GREETING_SIZE = 3,
    SOCKS_USER_MAX = 255,
    SOCKS_CREDENTIALS_MAX = 2 + SOCKS_USER_MAX + 2,
    SOCKS_CHOICE_SIZE = 2,
    SOCKS_CONNECT_SIZE = 10,
    SOCKS_REPLY_SIZE = 10, /* proxies answer with an IPv4 address */
};

struct route {
    struct sockaddr_in entrance; /* of proxy or tunnel; sin_port 0: none */
    bool socks;                  /* the entrance asks where to */
    const char *user;            /* that the proxy wants to hear; NULL: none */
    struct sockaddr_in source;   /* sin_family 0: any */
    struct sockaddr_in target;   /* what the proxy is asked for, or else the origin */
};

void socks_greet(uint8_t message[static SOCKS_GREETING_SIZE], const struct route *route);

/* Only with a user, whose password is one NUL.  Returns the length of the message. */
size_t socks_credentials(uint8_t message[static SOCKS_CREDENTIALS_MAX], const struct route *route);
void socks_connect(uint8_t message[static SOCKS_CONNECT_SIZE], const struct sockaddr_in *target);
bool socks_chosen(const struct route *route, const uint8_t choice[static SOCKS_CHOICE_SIZE]);
bool socks_admitted(const uint8_t answer[static SOCKS_CHOICE_SIZE]);
bool socks_granted(const uint8_t reply[static SOCKS_REPLY_SIZE]);

/* Starts a non-blocking connection to the entrance.  Returns its descriptor or -1. */
int route_begin(const struct route *route);

/* A blocking connection, past SOCKS5, that gives up on silence.  -1 with errno on failure. */
int route_dial(const struct route *route);

/* The same, past the grant of an association: packets go to door while it is open (SOCKS5 only). */
int route_associate(const struct route *route, struct sockaddr_in *door);

/* All of n bytes, or false. */
bool write_all(int fd, const uint8_t *data, size_t n);
bool read_all(int fd, uint8_t *data, size_t n);

#endif
