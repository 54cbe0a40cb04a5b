/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proxy_preface.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    HEAD = 16, /* of version 2: signature, version and command, family, length */
    SIGNATURE = 12,
    PORTS = 4,
    V4_ADDRESSES = 2 * 4 + PORTS,
    V6_ADDRESSES = 2 * 16 + PORTS,
    KEPT = SSP_PROXY_V1_MAX + 1, /* the line, or head and addresses */
    TCP4 = 0x11,
    TCP6 = 0x21
};

struct proxy_header {
    size_t n;      /* bytes that have come */
    size_t needed; /* of version 2, once its head is there; 0: not known */
    uint8_t bytes[KEPT];
};

static const uint8_t signature[SIGNATURE] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                             '\n', 'Q',  'U',  'I',  'T', '\n'};
static const char word[] = "PROXY ";

static enum ssp__preface_verdict refuse(struct ssp__preface_step *step, const char *why)
{
    step->why = why;
    return SSP_PREFACE_REFUSED;
}

/* ---- version 2 ---- */

static void take_v4(struct ssp__address *client, const uint8_t *addresses)
{
    client->u.v4.sin_family = AF_INET;
    memcpy(&client->u.v4.sin_addr, addresses, 4);
    memcpy(&client->u.v4.sin_port, addresses + 8, 2);
    client->len = sizeof client->u.v4;
}

static void take_v6(struct ssp__address *client, const uint8_t *addresses)
{
    client->u.v6.sin6_family = AF_INET6;
    memcpy(&client->u.v6.sin6_addr, addresses, 16);
    memcpy(&client->u.v6.sin6_port, addresses + 32, 2);
    client->len = sizeof client->u.v6;
    ssp__address_unmap(client);
}

static enum ssp__preface_verdict read_head(struct proxy_header *h, struct ssp__preface_step *step)
{
    uint8_t command = h->bytes[SIGNATURE], family = h->bytes[SIGNATURE + 1];
    size_t len = (size_t)h->bytes[14] << 8 | h->bytes[15];
    if (command != 0x20 && command != 0x21)
        return refuse(step, "its version and command are not known");
    if (HEAD + len > SSP_PROXY_PREFACE_MAX)
        return refuse(step, "it is longer than 4096 bytes");
    if (command == 0x21 &&
        ((family == TCP4 && len < V4_ADDRESSES) || (family == TCP6 && len < V6_ADDRESSES)))
        return refuse(step, "it is too short for its addresses");
    h->needed = HEAD + len;
    return SSP_PREFACE_MORE;
}

static enum ssp__preface_verdict step_v2(struct proxy_header *h, struct ssp__preface_step *step)
{
    if (h->n == HEAD && read_head(h, step) == SSP_PREFACE_REFUSED)
        return SSP_PREFACE_REFUSED;
    if (h->needed == 0 || h->n < h->needed)
        return SSP_PREFACE_MORE;
    bool names = h->bytes[SIGNATURE] == 0x21;
    if (names && h->bytes[SIGNATURE + 1] == TCP4)
        take_v4(step->client, h->bytes + HEAD);
    else if (names && h->bytes[SIGNATURE + 1] == TCP6)
        take_v6(step->client, h->bytes + HEAD);
    return SSP_PREFACE_DONE;
}

/* ---- version 1 ---- */

/* The next word of the line, which ends at a single blank, or NULL. */
static char *next_word(char **rest)
{
    char *at = *rest, *end = at != NULL ? strchr(at, ' ') : NULL;
    if (end != NULL)
        *end++ = '\0';
    *rest = end;
    return at;
}

/* Decimal, 0 to 65535, without a sign or a zero in front.  Returns -1 for anything else. */
static int port_of(const char *text)
{
    int port = 0;
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > 5 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
        return -1;
    for (size_t i = 0; i < digits; i++)
        port = port * 10 + (text[i] - '0');
    return port <= UINT16_MAX ? port : -1;
}

static bool is_of(const char *text, int family, void *out)
{
    return text != NULL && inet_pton(family, text, out) == 1;
}

/* "TCP4 192.0.2.1 192.0.2.2 56324 443", or UNKNOWN with anything behind it. */
static bool read_line(char *line, struct ssp__address *client)
{
    uint8_t addresses[V6_ADDRESSES];
    char *rest = line;
    const char *kind = next_word(&rest);
    if (strcmp(kind, "UNKNOWN") == 0)
        return true;
    bool v6 = strcmp(kind, "TCP6") == 0;
    if (!v6 && strcmp(kind, "TCP4") != 0)
        return false;
    const char *source = next_word(&rest), *target = next_word(&rest);
    int from = port_of(next_word(&rest)), to = port_of(next_word(&rest));
    size_t size = v6 ? 16 : 4;
    if (from == -1 || to == -1 || rest != NULL ||
        !is_of(source, v6 ? AF_INET6 : AF_INET, addresses) ||
        !is_of(target, v6 ? AF_INET6 : AF_INET, addresses + size))
        return false;
    addresses[2 * size] = (uint8_t)(from >> 8);
    addresses[2 * size + 1] = (uint8_t)from;
    (v6 ? take_v6 : take_v4)(client, addresses);
    return true;
}

static enum ssp__preface_verdict step_v1(struct proxy_header *h, struct ssp__preface_step *step)
{
    bool ended = h->bytes[h->n - 1] == '\n';
    if (!ended && h->n == SSP_PROXY_V1_MAX)
        return refuse(step, "its line is longer than 107 bytes");
    if (!ended)
        return SSP_PREFACE_MORE;
    char *line = (char *)h->bytes;
    bool whole = memchr(line, '\0', h->n) == NULL && line[h->n - 2] == '\r';
    line[h->n - 2] = '\0';
    if (whole && read_line(line + sizeof word - 1, step->client))
        return SSP_PREFACE_DONE;
    return refuse(step, "its line is not one of version 1");
}

/* ---- both ---- */

static enum ssp__preface_verdict step_by(struct proxy_header *h, struct ssp__preface_step *step)
{
    const size_t name = sizeof word - 1;
    if (memcmp(h->bytes, signature, h->n < SIGNATURE ? h->n : SIGNATURE) == 0)
        return h->n < HEAD ? SSP_PREFACE_MORE : step_v2(h, step);
    if (memcmp(h->bytes, word, h->n < name ? h->n : name) == 0)
        return h->n <= name ? SSP_PREFACE_MORE : step_v1(h, step);
    return refuse(step, "the connection does not begin with one");
}

static enum ssp__preface_verdict feed(void *state, const uint8_t *bytes, size_t n,
                                      struct ssp__preface_step *step)
{
    struct proxy_header *h = state;
    enum ssp__preface_verdict verdict = SSP_PREFACE_MORE;
    for (step->used = 0; step->used < n && verdict == SSP_PREFACE_MORE; step->used++) {
        if (h->n < KEPT)
            h->bytes[h->n] = bytes[step->used];
        h->n++;
        verdict = step_by(h, step);
    }
    return verdict;
}

const struct ssp__preface ssp__proxy_preface = {
    .name = "PROXY header", .state_size = sizeof(struct proxy_header), .feed = feed};
