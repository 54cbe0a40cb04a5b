/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - host:port as text and as socket addresses, numeric only: no name is looked up here.
 */
#ifndef SSP_BASE_ADDRESS_H
#define SSP_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest name of RFC 1035 with its NUL; "[v6%4294967295]:65535" with its. */
enum { SSP_HOST_MAX = 256, SSP_ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 19 };

/* A name or numeric address, without brackets, and a port. */
struct ssp__endpoint {
    char host[SSP_HOST_MAX];
    uint16_t port;
};

/* A numeric socket address. */
struct ssp__address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    unsigned len; /* of the member in use; 0: none */
};

/* Splits "host:port", "[v6]:port"; bare "v6" and "host" need default_port (0: none, an error).
 * Returns 0, or -1 when the text is not of that form. */
int ssp__endpoint_parse(struct ssp__endpoint *e, const char *text, uint16_t default_port);

/* Fills e from parts; host may have brackets.  Returns 0, or -1 when host is empty or too long. */
int ssp__endpoint_set(struct ssp__endpoint *e, const char *host, uint16_t port);

/* "host:port" or "[v6]:port"; cap of SSP_HOST_MAX + 8 always suffices. */
void ssp__endpoint_format(const struct ssp__endpoint *e, char *text, size_t cap);

/* Reads a numeric host.  Returns 0, or -1 when it is a name. */
int ssp__address_parse(struct ssp__address *a, const char *host, uint16_t port);

/* "1.2.3.4:5" or "[::1]:5"; cap of SSP_ADDRESS_TEXT_MAX always suffices. */
void ssp__address_format(const struct ssp__address *a, char *text, size_t cap);

uint16_t ssp__address_port(const struct ssp__address *a);
bool ssp__address_loopback(const struct ssp__address *a);

#endif
