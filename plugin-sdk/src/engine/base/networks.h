/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networks.h - a set of networks, each with the line of its rule: a tree of bits whose chains are
 * one node, for each family.
 */
#ifndef SSP_BASE_NETWORKS_H
#define SSP_BASE_NETWORKS_H

#include "base/address.h"

/* An address that is IPv4 in IPv6 form is IPv4. */
struct ssp__network {
    uint64_t word[2]; /* the bits of the address, the first one highest */
    unsigned len;     /* of the prefix */
    bool v6;
};

struct ssp__network_node {
    uint64_t word[2];
    uint32_t child[2]; /* 0: none, else the index of a node plus 1 */
    unsigned line;     /* 0: only a fork */
    uint8_t len;
    bool v6;
};

/* All zero is an empty set. */
struct ssp__networks {
    struct ssp__network_node *node;
    uint32_t n, cap;
    uint32_t root[2]; /* IPv4, IPv6 */
};

void ssp__networks_release(struct ssp__networks *networks);

/* Reads an address, or an address and "/length"; bits behind the prefix are dropped.  Returns 0, or
 * -1 when it is none. */
int ssp__network_parse(struct ssp__network *network, const char *text);

/* The network of that address alone. */
struct ssp__network ssp__network_of(const struct ssp__address *address);

/* The first line of several for a network stays.  Returns 0, or -1 when memory is out. */
int ssp__networks_add(struct ssp__networks *networks, const struct ssp__network *network,
                      unsigned line);

/* The line of the longest network that contains all of this one, or 0. */
unsigned ssp__networks_find(const struct ssp__networks *networks,
                            const struct ssp__network *network);

/* Whether there is a network of either family. */
bool ssp__networks_any(const struct ssp__networks *networks);

#endif
