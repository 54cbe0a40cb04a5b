/* SPDX-License-Identifier: Apache-2.0 */
#include "base/networks.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 32, V6_BITS = 128, MAPPED_BITS = 96, WORD_BITS = 64, FIRST = 64 };

void ssp__networks_release(struct ssp__networks *s)
{
    free(s->node);
    *s = (struct ssp__networks){.n = 0};
}

/* ---- bits ---- */

static uint64_t read_bits(const uint8_t *bytes, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word = word << 8 | bytes[i];
    return word << (WORD_BITS - 8 * n);
}

static unsigned bit_at(const uint64_t word[2], unsigned at)
{
    return word[at / WORD_BITS] >> (WORD_BITS - 1 - at % WORD_BITS) & 1;
}

/* How many of the first bits are the same. */
static unsigned common(const uint64_t a[2], const uint64_t b[2])
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t differ = a[i] ^ b[i];
        if (differ != 0)
            return i * WORD_BITS + (unsigned)__builtin_clzll(differ);
    }
    return V6_BITS;
}

static void cut(uint64_t word[2], unsigned len)
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned kept = len > i * WORD_BITS ? len - i * WORD_BITS : 0;
        if (kept == 0)
            word[i] = 0;
        else if (kept < WORD_BITS)
            word[i] &= ~(UINT64_MAX >> kept);
    }
}

static struct ssp__network v4_network(const uint8_t bytes[4], unsigned len)
{
    struct ssp__network net = {.word = {read_bits(bytes, 4)}, .len = len};
    cut(net.word, len);
    return net;
}

static struct ssp__network v6_network(const struct in6_addr *in6, unsigned len)
{
    const uint8_t *bytes = in6->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(in6) && len >= MAPPED_BITS)
        return v4_network(bytes + 12, len - MAPPED_BITS);
    struct ssp__network net = {
        .word = {read_bits(bytes, 8), read_bits(bytes + 8, 8)}, .len = len, .v6 = true};
    cut(net.word, len);
    return net;
}

struct ssp__network ssp__network_of(const struct ssp__address *a)
{
    if (a->u.any.sa_family == AF_INET)
        return v4_network((const uint8_t *)&a->u.v4.sin_addr, V4_BITS);
    return v6_network(&a->u.v6.sin6_addr, V6_BITS);
}

/* Returns the length of a prefix, or -1. */
static int parse_length(const char *text, unsigned max)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return -1;
    unsigned long len = strtoul(text, NULL, 10);
    return len <= max ? (int)len : -1;
}

int ssp__network_parse(struct ssp__network *network, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr in;
    struct in6_addr in6;
    size_t n = strcspn(text, "/");
    if (n >= sizeof host)
        return -1;
    memcpy(host, text, n);
    host[n] = '\0';
    bool v4 = inet_pton(AF_INET, host, &in) == 1;
    if (!v4 && inet_pton(AF_INET6, host, &in6) != 1)
        return -1;
    unsigned max = v4 ? V4_BITS : V6_BITS;
    int len = text[n] == '/' ? parse_length(text + n + 1, max) : (int)max;
    if (len == -1)
        return -1;
    *network =
        v4 ? v4_network((const uint8_t *)&in, (unsigned)len) : v6_network(&in6, (unsigned)len);
    return 0;
}

/* ---- the tree ---- */

/* Room for the two nodes of one more network, so that links stay valid. */
static int make_room(struct ssp__networks *s)
{
    if (s->cap - s->n >= 2)
        return 0;
    uint32_t cap = s->cap == 0 ? FIRST : s->cap + s->cap / 2;
    struct ssp__network_node *node = realloc(s->node, cap * sizeof *node);
    if (node == NULL)
        return -1;
    s->node = node;
    s->cap = cap;
    return 0;
}

/* Returns the index of a new node plus 1. */
static uint32_t make(struct ssp__networks *s, const struct ssp__network *net, unsigned len,
                     unsigned line)
{
    struct ssp__network_node *node = &s->node[s->n++];
    *node = (struct ssp__network_node){
        .word = {net->word[0], net->word[1]}, .line = line, .len = (uint8_t)len, .v6 = net->v6};
    cut(node->word, len);
    return s->n;
}

/* Puts the network above the node of *link, or a fork above both, which have `same` bits in common.
 */
static void split(struct ssp__networks *s, uint32_t *link, const struct ssp__network *net,
                  unsigned same, unsigned line)
{
    uint32_t below = *link;
    const struct ssp__network_node *old = &s->node[below - 1];
    unsigned side = bit_at(old->word, same);
    bool fork = same < net->len;
    uint32_t above = make(s, net, same, fork ? 0 : line);
    s->node[above - 1].child[side] = below;
    if (fork)
        s->node[above - 1].child[1 - side] = make(s, net, net->len, line);
    *link = above;
}

int ssp__networks_add(struct ssp__networks *s, const struct ssp__network *net, unsigned line)
{
    if (make_room(s) == -1)
        return -1;
    uint32_t *link = &s->root[net->v6];
    while (*link != 0) {
        struct ssp__network_node *node = &s->node[*link - 1];
        unsigned same = common(node->word, net->word);
        same = same < node->len ? same : node->len;
        same = same < net->len ? same : net->len;
        if (same < node->len) {
            split(s, link, net, same, line);
            return 0;
        }
        if (node->len == net->len) {
            node->line = node->line != 0 ? node->line : line;
            return 0;
        }
        link = &node->child[bit_at(net->word, node->len)];
    }
    *link = make(s, net, net->len, line);
    return 0;
}

unsigned ssp__networks_find(const struct ssp__networks *s, const struct ssp__network *net)
{
    unsigned line = 0;
    uint32_t at = s->root[net->v6];
    while (at != 0) {
        const struct ssp__network_node *node = &s->node[at - 1];
        if (node->len > net->len || common(node->word, net->word) < node->len)
            break;
        line = node->line != 0 ? node->line : line;
        if (node->len == net->len)
            break;
        at = node->child[bit_at(net->word, node->len)];
    }
    return line;
}

bool ssp__networks_any(const struct ssp__networks *s)
{
    return s->n > 0;
}
