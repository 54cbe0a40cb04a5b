/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networks.h - a set of networks, each with the line of its rule: a tree of bits whose chains are
 * one node, for each family.
 */
#ifndef SS_ACL_NETWORKS_H
#define SS_ACL_NETWORKS_H

#include "base/address.h"

/* An address that is IPv4 in IPv6 form is IPv4. */
struct ss_network {
    uint64_t word[2]; /* the bits of the address, the first one highest */
    unsigned len;     /* of the prefix */
    bool v6;
};

struct ss_network_node {
    uint64_t word[2];
    uint32_t child[2]; /* 0: none, else the index of a node plus 1 */
    unsigned line;     /* 0: only a fork */
    uint8_t len;
    bool v6;
};

/* All zero is an empty set. */
struct ss_networks {
    struct ss_network_node *node;
    uint32_t n, cap;
    uint32_t root[2]; /* IPv4, IPv6 */
};

void ss_networks_release(struct ss_networks *networks);

/* Reads an address, or an address and "/length"; bits behind the prefix are dropped.  Returns 0, or
 * -1 when it is none. */
int ss_network_parse(struct ss_network *network, const char *text);

/* The network of that address alone. */
struct ss_network ss_network_of(const struct ssp__address *address);

/* The first line of several for a network stays.  Returns 0, or -1 when memory is out. */
int ss_networks_add(struct ss_networks *networks, const struct ss_network *network, unsigned line);

/* The line of the longest network that contains all of this one, or 0. */
unsigned ss_networks_find(const struct ss_networks *networks, const struct ss_network *network);

/* Whether there is a network of either family. */
bool ss_networks_any(const struct ss_networks *networks);

#endif
