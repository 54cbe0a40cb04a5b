/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/target.h"

#include <string.h>

enum { IPV4 = 1, NAME = 3, IPV6 = 4 };
enum { IPV4_LEN = 4, IPV6_LEN = 16, PORT_LEN = 2, NAME_MAX_LEN = 255 };

/* Writes a header.  Returns its length. */
static size_t put_header(uint8_t *out, uint8_t type, const void *address, size_t n, uint16_t port)
{
    uint8_t *p = out;
    *p++ = type;
    if (type == NAME)
        *p++ = (uint8_t)n;
    memcpy(p, address, n);
    p += n;
    *p++ = (uint8_t)(port >> 8);
    *p++ = (uint8_t)port;
    return (size_t)(p - out);
}

static size_t put_address(uint8_t *out, const struct ssp__address *a, uint16_t port)
{
    if (a->u.any.sa_family == AF_INET)
        return put_header(out, IPV4, &a->u.v4.sin_addr, IPV4_LEN, port);
    return put_header(out, IPV6, &a->u.v6.sin6_addr, IPV6_LEN, port);
}

/* True for text that could be a name; only a lookup can tell whether it is one. */
static bool plausible(const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name <= ' ' || *name > '~' || strchr("[]/|\"\\%:", *name) != NULL)
            return false;
    }
    return true;
}

int ss_target_set(struct ssp__target *t, const char *host, uint16_t port)
{
    /* A zone names an interface of the peer's machine, and a header has no room for it. */
    if (port == 0 || strchr(host, '%') != NULL || ssp__endpoint_set(&t->endpoint, host, port) == -1)
        return -1;
    if (t->endpoint.named && !plausible(host))
        return -1;
    t->header_len = t->endpoint.named ? put_header(t->header, NAME, host, strlen(host), port)
                                      : put_address(t->header, &t->endpoint.u.address, port);
    return 0;
}

int ss_target_read(struct ssp__target *t, const char *text)
{
    struct ssp__endpoint e;
    char literal[SSP_HOST_MAX];
    if (ssp__endpoint_parse(&e, text, 0) == -1)
        return -1;
    return ss_target_set(t, ssp__endpoint_host(&e, literal), e.port);
}

static ssp_verdict refuse(const char **why, const char *phrase)
{
    *why = phrase;
    return SSP_FAIL;
}

static ssp_verdict parse_name(struct ssp__target *t, const uint8_t *name, size_t len, uint16_t port)
{
    char text[NAME_MAX_LEN + 1];
    memcpy(text, name, len);
    text[len] = '\0';
    if (memchr(name, '\0', len) != NULL)
        return SSP_FAIL;
    return ss_target_set(t, text, port) == 0 ? SSP_OK : SSP_FAIL;
}

int ss_target_set_address(struct ssp__target *t, const struct ssp__address *a)
{
    uint16_t port = ssp__address_port(a);
    ssp__endpoint_set_address(&t->endpoint, a);
    t->header_len = put_address(t->header, a, port);
    return port != 0 ? 0 : -1;
}

static void take_address(struct ssp__target *t, uint8_t type, const uint8_t *bytes, uint16_t port)
{
    struct ssp__address a = {.len = 0};
    if (type == IPV4) {
        a.u.v4.sin_family = AF_INET;
        memcpy(&a.u.v4.sin_addr, bytes, IPV4_LEN);
        a.len = sizeof a.u.v4;
    } else {
        a.u.v6.sin6_family = AF_INET6;
        memcpy(&a.u.v6.sin6_addr, bytes, IPV6_LEN);
        a.len = sizeof a.u.v6;
    }
    ssp__address_set_port(&a, port);
    (void)ss_target_set_address(t, &a);
}

/* Bytes of the header, as far as its first bytes tell; 0 for an unknown type. */
static size_t header_size(const uint8_t *p, size_t n)
{
    if (n == 0)
        return 1;
    switch (p[0]) {
    case IPV4:
        return 1 + IPV4_LEN + PORT_LEN;
    case IPV6:
        return 1 + IPV6_LEN + PORT_LEN;
    case NAME:
        return n < 2 ? 2 : 2 + (size_t)p[1] + PORT_LEN;
    default:
        return 0;
    }
}

ssp_verdict ss_target_parse(struct ssp__target *t, const uint8_t *p, size_t n, size_t *size,
                            const char **why)
{
    *size = header_size(p, n);
    if (*size == 0)
        return refuse(why, "invalid address type");
    if (n >= 2 && p[0] == NAME && p[1] == 0)
        return refuse(why, "invalid host name length");
    if (n < *size)
        return SSP_MORE;

    uint16_t port = (uint16_t)(p[*size - 2] << 8 | p[*size - 1]);
    if (port == 0)
        return refuse(why, "invalid port");
    if (p[0] != NAME)
        take_address(t, p[0], p + 1, port);
    else if (parse_name(t, p + 2, p[1], port) != SSP_OK)
        return refuse(why, "invalid host name");
    return SSP_OK;
}

/* The reason to refuse a client that ended within its header. */
static const char *cut_phrase(const uint8_t *p, size_t n)
{
    static const char *const phrase[] = {
        [IPV4] = "invalid length for ipv4 address",
        [NAME] = "invalid host name length",
        [IPV6] = "invalid length for ipv6 address",
    };
    return n > 0 ? phrase[p[0]] : "invalid request length";
}

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    (void)state;
    size_t n, size;
    const char *why;
    const uint8_t *p = ssp_in(io, &n);
    ssp_verdict verdict = ss_target_parse(target, p, n, &size, &why);
    if (verdict == SSP_OK) {
        ssp_skip(io, size);
        return SSP_CLEAR;
    }
    if (verdict == SSP_MORE && !ssp_eof(io)) {
        ssp_need(io, size);
        return SSP_MORE;
    }
    ssp_conn_why(conn, "%s", verdict == SSP_MORE ? cut_phrase(p, n) : why);
    return SSP_FAIL;
}

void ss_target_prepend(struct ssp__packet_io *p, const struct ssp__target *t)
{
    p->bytes -= t->header_len;
    p->len += t->header_len;
    memcpy(p->bytes, t->header, t->header_len);
    p->target = *t;
    p->header_len = t->header_len;
}

int ss_target_of_packet(struct ssp__packet_io *p, struct ssp__target *t)
{
    size_t size;
    ssp_verdict verdict = ss_target_parse(t, p->bytes, p->len, &size, &p->why);
    if (verdict == SSP_MORE)
        p->why = "target header cut";
    p->header_len = size;
    return verdict == SSP_OK ? (int)size : -1;
}

static int asked(struct ssp__packet_io *p)
{
    int size = ss_target_of_packet(p, &p->target);
    if (size == -1)
        return -1;
    p->bare = true;
    p->bytes += size;
    p->len -= (size_t)size;
    return 0;
}

static int answered(struct ssp__packet_io *p)
{
    uint8_t header[SSP_TARGET_HEADER_MAX];
    size_t n = put_address(header, p->from, ssp__address_port(p->from));
    p->bytes -= n;
    p->len += n;
    memcpy(p->bytes, header, n);
    return 0;
}

const struct ssp__packet_front ss_target_packet_front = {
    .name = "target", .asked = asked, .answered = answered};
const struct ssp__front ss_target_front = {.name = "target", .feed = feed};
