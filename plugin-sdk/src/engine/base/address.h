/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - socket addresses, and endpoints: an address or a name.  No name is looked up here.
 *
 * Both are binary.  Text is for configurations and logs.
 */
#ifndef SSP_BASE_ADDRESS_H
#define SSP_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest name of RFC 1035 with its NUL; "[v6%4294967295]:65535" with its. */
enum { SSP_HOST_MAX = 256, SSP_ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 19 };

/* A numeric socket address. */
struct ssp__address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    unsigned len; /* of the member in use; 0: none */
};

/* An address or a name with a port.  All zero is none. */
struct ssp__endpoint {
    uint16_t port;
    bool named;
    union {
        struct ssp__address address; /* its own port does not count */
        char name[SSP_HOST_MAX];     /* if named */
    } u;
};

/* Splits "host:port", "[v6]:port"; bare "v6" and "host" need default_port (0: none, an error).
 * Returns 0, or -1 when the text is not of that form. */
int ssp__endpoint_parse(struct ssp__endpoint *e, const char *text, uint16_t default_port);

/* Fills e from parts; host may have brackets, and a literal becomes an address.  Returns 0, or -1
 * when host is empty or too long. */
int ssp__endpoint_set(struct ssp__endpoint *e, const char *host, uint16_t port);
void ssp__endpoint_set_address(struct ssp__endpoint *e, const struct ssp__address *a);

/* True, with *a, port included, unless e is a name or none. */
bool ssp__endpoint_address(const struct ssp__endpoint *e, struct ssp__address *a);

/* The host without brackets and port: text, or e's own name. */
const char *ssp__endpoint_host(const struct ssp__endpoint *e, char text[SSP_HOST_MAX]);

/* "host:port" or "[v6]:port"; cap of SSP_HOST_MAX + 8 always suffices. */
void ssp__endpoint_format(const struct ssp__endpoint *e, char *text, size_t cap);

/* Reads a numeric host.  Returns 0, or -1 when it is a name. */
int ssp__address_parse(struct ssp__address *a, const char *host, uint16_t port);

/* "1.2.3.4:5" or "[::1]:5"; cap of SSP_ADDRESS_TEXT_MAX always suffices. */
void ssp__address_format(const struct ssp__address *a, char *text, size_t cap);

uint16_t ssp__address_port(const struct ssp__address *a);
void ssp__address_set_port(struct ssp__address *a, uint16_t port);
bool ssp__address_same(const struct ssp__address *a, const struct ssp__address *b);

/* True for two ports of one host, an IPv4 address in whatever form. */
bool ssp__address_same_host(const struct ssp__address *a, const struct ssp__address *b);
bool ssp__address_unspecified(const struct ssp__address *a); /* all zero, or none */

/* The source of a peer: its IPv4 address, in whatever form, or the first half of its IPv6 address.
 */
enum { SSP_SOURCE_WORDS = 2 };
void ssp__address_source(const struct ssp__address *a, uint64_t word[SSP_SOURCE_WORDS]);

bool ssp__address_loopback(const struct ssp__address *a);

/* An IPv4 address in the form of IPv6, as a socket for both families has it, becomes one. */
void ssp__address_unmap(struct ssp__address *a);

#endif
