/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/forwarded.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAPPED = 12, BITS = 8 * WS_ADDRESS_LEN };

/* IPv4 in the form of IPv6. */
static bool read_address(const char *text, uint8_t address[WS_ADDRESS_LEN])
{
    static const uint8_t mapped[MAPPED] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET6, text, address) == 1)
        return true;
    memcpy(address, mapped, MAPPED);
    return inet_pton(AF_INET, text, address + MAPPED) == 1;
}

/* ---- those that are trusted ---- */

static bool read_network(struct ws_network *network, const char *item, size_t len)
{
    char text[WS_FORWARDED_TEXT], *slash, *end = NULL;
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, item, len);
    text[len] = '\0';
    slash = strchr(text, '/');
    if (slash != NULL)
        *slash++ = '\0';
    if (!read_address(text, network->address))
        return false;
    long most = strchr(text, ':') != NULL ? BITS : BITS - 8 * MAPPED;
    long bits = slash != NULL ? strtol(slash, &end, 10) : most;
    if (slash != NULL && (end == slash || *end != '\0' || bits < 0 || bits > most))
        return false;
    network->bits = (uint8_t)(BITS - most + bits);
    return true;
}

const char *ws_trusted_read(struct ws_trusted *trusted, const char *list)
{
    trusted->n = 0;
    for (const char *item = list;;) {
        size_t len = strcspn(item, ",");
        if (trusted->n == WS_TRUSTED_MAX || !read_network(&trusted->network[trusted->n], item, len))
            return item;
        trusted->n++;
        if (item[len] == '\0')
            return NULL;
        item += len + 1;
    }
}

static bool is_in(const struct ws_network *network, const uint8_t address[WS_ADDRESS_LEN])
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->address, address, bytes) != 0)
        return false;
    return rest == 0 || (network->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

static bool trusts(const struct ws_trusted *trusted, const char *text)
{
    uint8_t address[WS_ADDRESS_LEN];
    bool found = false;
    if (!read_address(text, address))
        return false;
    for (unsigned i = 0; i < trusted->n && !found; i++)
        found = is_in(&trusted->network[i], address);
    return found;
}

/* ---- the heads of a request ---- */

/* An address without brackets and port.  Returns false for what is none, such as "unknown". */
static bool take_address(struct ws_span item, char text[WS_FORWARDED_TEXT])
{
    uint8_t address[WS_ADDRESS_LEN];
    if (item.len >= WS_FORWARDED_TEXT)
        return false;
    memcpy(text, item.text, item.len);
    text[item.len] = '\0';
    char *colon = strchr(text, ':');
    bool one_colon = colon != NULL && strchr(colon + 1, ':') == NULL;
    if (text[0] == '[') {
        text[strcspn(text, "]")] = '\0';
        memmove(text, text + 1, strlen(text));
    } else if (one_colon) {
        *colon = '\0';
    }
    return read_address(text, address);
}

struct search {
    const struct ws_trusted *trusted;
    char *client;
    bool any; /* an item has been seen */
};

/* From the client to the nearest proxy: the last one that is not trusted counts, and one that is
 * no address hides those before it. */
static void see(void *arg, struct ws_span item)
{
    struct search *s = arg;
    char text[WS_FORWARDED_TEXT];
    bool known = take_address(item, text);
    if (known && trusts(s->trusted, text) && s->any)
        return;
    s->any = true;
    (void)snprintf(s->client, WS_FORWARDED_TEXT, "%s", known ? text : "");
}

bool ws_forwarded_client(const struct ws_trusted *trusted, const char *peer, struct ws_span head,
                         char client[WS_FORWARDED_TEXT])
{
    struct search s = {.trusted = trusted, .client = client};
    client[0] = '\0';
    if (!trusts(trusted, peer))
        return false;
    ws_head_each(head, "X-Forwarded-For", see, &s);
    if (!s.any)
        ws_head_each(head, "X-Real-IP", see, &s);
    return client[0] != '\0';
}
