/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/socks.h"

#include "proto/entrance.h"
#include "proto/target.h"

#include <string.h>

enum { VERSION4 = 4, VERSION5 = 5, CONNECT = 1, ASSOCIATE = 3, RESOLVE = 0xF0 };

/* SOCKS5 methods and replies (RFC 1928, sections 3 and 6). */
enum { NO_AUTHENTICATION = 0, USER_AND_PASSWORD = 2, NO_METHOD = 0xFF };
enum { IPV4 = 1, IPV6 = 4, MAPPED_AT = 12 };
enum { SUCCEEDED = 0, FAILED = 1, BAD_COMMAND = 7, BAD_ADDRESS = 8 };

/* RFC 1929: version, a user and a password, each behind its length. */
enum { CREDENTIALS_VERSION = 1, USER_AT = 2, ACCEPTED = 0, DENIED = 1 };

/* SOCKS4: version, command, port, address, then a user and in 4a a name, each ended by a NUL. */
enum { PORT4_AT = 2, ADDRESS4_AT = 4, USER4_AT = 8, TEXT4_MAX = 255 };
enum { GRANTED4 = 0x5A, REJECTED4 = 0x5B };

enum state { OPENING = 0, GREETING, CREDENTIALS, REQUEST, REQUEST4, TARGET };

_Static_assert(OPENING == 0, "a zeroed state is the beginning");

/* The state, and what a call lends. */
struct socks_call {
    enum state state;
    const struct ssp__address *reached;
    const struct ss_entrance *entrance;
    ssp_conn *conn;
    ssp_io *io;
    struct ssp__target *target;
};

static ssp_verdict await(struct socks_call *c, size_t total)
{
    ssp_need(c->io, total);
    return SSP_MORE;
}

static ssp_verdict refuse(struct socks_call *c, const char *why)
{
    ssp_conn_why(c->conn, "%s", why);
    return SSP_FAIL;
}

static void reply(struct socks_call *c, uint8_t code)
{
    ssp_reply(c->io, (const uint8_t[]){VERSION5, code, 0, 1, 0, 0, 0, 0, 0, 0}, 10);
}

static void reply4(struct socks_call *c, uint8_t code)
{
    ssp_reply(c->io, (const uint8_t[]){0, code, 0, 0, 0, 0, 0, 0}, 8);
}

static ssp_verdict opening(struct socks_call *c)
{
    size_t n;
    const uint8_t *p = ssp_in(c->io, &n);
    if (n < 1)
        return await(c, 1);
    if (p[0] != VERSION5 && p[0] != VERSION4)
        return refuse(c, "not a SOCKS client");
    c->state = p[0] == VERSION5 ? GREETING : REQUEST4;
    return SSP_OK;
}

static ssp_verdict greeting(struct socks_call *c)
{
    size_t n;
    const uint8_t *p = ssp_in(c->io, &n);
    size_t size = n < 2 ? 2 : 2 + (size_t)p[1];
    if (n < size)
        return await(c, size);
    bool guarded = c->entrance->accounts.n > 0;
    bool open = !guarded && memchr(p + 2, NO_AUTHENTICATION, p[1]) != NULL;
    if (!open && memchr(p + 2, USER_AND_PASSWORD, p[1]) == NULL) {
        ssp_reply(c->io, (const uint8_t[]){VERSION5, NO_METHOD}, 2);
        return refuse(c, "no acceptable authentication method");
    }
    ssp_reply(c->io, (const uint8_t[]){VERSION5, open ? NO_AUTHENTICATION : USER_AND_PASSWORD}, 2);
    ssp_skip(c->io, size);
    c->state = open ? REQUEST : CREDENTIALS;
    return SSP_OK;
}

/* Some clients with credentials offer no other method: without users, any credentials pass. */
static ssp_verdict credentials(struct socks_call *c)
{
    size_t n;
    const uint8_t *p = ssp_in(c->io, &n);
    if (n < 1)
        return await(c, 1);
    if (p[0] != CREDENTIALS_VERSION)
        return refuse(c, "invalid authentication version");
    size_t password_at = n < USER_AT ? USER_AT : USER_AT + (size_t)p[1];
    if (n <= password_at)
        return await(c, password_at + 1);
    size_t size = password_at + 1 + p[password_at];
    if (n < size)
        return await(c, size);
    const struct ss_accounts *accounts = &c->entrance->accounts;
    const struct ss_span user = {p + USER_AT, p[1]},
                         password = {p + password_at + 1, p[password_at]};
    bool allowed = accounts->n == 0 || ss_accounts_allow(accounts, user, password);
    ssp_reply(c->io, (const uint8_t[]){CREDENTIALS_VERSION, allowed ? ACCEPTED : DENIED}, 2);
    if (!allowed)
        return refuse(c, "wrong user or password");
    ssp_skip(c->io, size);
    c->state = REQUEST;
    return SSP_OK;
}

/* Success, with an address. */
static void reply_address(struct socks_call *c, const struct ssp__address *a)
{
    bool v4 = a->u.any.sa_family == AF_INET;
    const uint8_t *address = v4 ? (const uint8_t *)&a->u.v4.sin_addr : a->u.v6.sin6_addr.s6_addr;
    if (!v4 && IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr)) {
        address += MAPPED_AT;
        v4 = true;
    }
    uint16_t port = ssp__address_port(a);
    ssp_reply(c->io, (const uint8_t[]){VERSION5, SUCCEEDED, 0, v4 ? IPV4 : IPV6}, 4);
    ssp_reply(c->io, address, v4 ? 4 : 16);
    ssp_reply(c->io, (const uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port}, 2);
}

/* The source of the client's packets is mostly all zero, and may be no address at all: NULL. */
static ssp_verdict associate(struct socks_call *c, const struct ssp__endpoint *source, size_t total)
{
    size_t n;
    (void)ssp_in(c->io, &n);
    if (n < total)
        return await(c, total);
    reply_address(c, c->reached); /* where the client's packets are expected */
    c->target->packets = true;
    if (source == NULL || !ssp__endpoint_address(source, &c->target->source))
        c->target->source.len = 0;
    ssp_skip(c->io, total);
    c->state = TARGET;
    return SSP_END;
}

/* Torsocks asks for the address of every name before it connects to it (RESOLVE of Tor); a port
 * means nothing there. */
static ssp_verdict resolve(struct socks_call *c)
{
    uint8_t header[SSP_TARGET_HEADER_MAX];
    struct ssp__target asked;
    struct ssp__address address = {.u.v4.sin_family = AF_INET, .len = sizeof address.u.v4};
    const char *why = "out of memory";
    size_t n, size, left;
    const uint8_t *p = ssp_in(c->io, &n);
    (void)ss_target_parse(&asked, p + 3, n - 3, &size, &why);
    if (size == 0) {
        reply(c, BAD_ADDRESS);
        return refuse(c, why);
    }
    if (n - 3 < size)
        return await(c, 3 + size);
    memcpy(header, p + 3, size);
    header[size - 1] |= 1;
    if (ss_target_parse(&asked, header, size, &left, &why) != SSP_OK ||
        (!ssp__endpoint_address(&asked.endpoint, &address) &&
         ss_names_address(c->entrance->names, asked.endpoint.u.name, &address.u.v4.sin_addr) ==
             -1)) {
        reply(c, FAILED);
        return refuse(c, why);
    }
    ssp__address_set_port(&address, 0);
    reply_address(c, &address);
    ssp_skip(c->io, 3 + size);
    c->state = TARGET;
    return SSP_END;
}

/* An address that stands for a name was given by resolve(). */
static void restore_name(struct socks_call *c)
{
    struct ssp__address a;
    char text[SSP_HOST_MAX];
    if (c->entrance->names != NULL && ssp__endpoint_address(&c->target->endpoint, &a) &&
        a.u.any.sa_family == AF_INET &&
        ss_names_find(c->entrance->names, a.u.v4.sin_addr, text, sizeof text))
        (void)ss_target_set(c->target, text, c->target->endpoint.port);
}

/* Version, command, a reserved byte of any value, and a target in the form of the header. */
static ssp_verdict request(struct socks_call *c)
{
    size_t n, size;
    const uint8_t *p = ssp_in(c->io, &n);
    struct ssp__target source;
    const char *why;
    if (n >= 1 && p[0] != VERSION5)
        return refuse(c, "invalid request version");
    bool associates = n >= 2 && p[1] == ASSOCIATE && c->reached->len > 0;
    bool resolves = n >= 2 && p[1] == RESOLVE && c->entrance->names != NULL;
    if (n >= 2 && p[1] != CONNECT && !associates && !resolves) {
        reply(c, BAD_COMMAND);
        return refuse(c, "unsupported command");
    }
    if (n < 4)
        return await(c, n + 1);
    if (resolves)
        return resolve(c);

    struct ssp__target *target = associates ? &source : c->target;
    ssp_verdict verdict = ss_target_parse(target, p + 3, n - 3, &size, &why);
    if (verdict == SSP_MORE)
        return await(c, 3 + size);
    if (associates && size > 0)
        return associate(c, verdict == SSP_OK ? &source.endpoint : NULL, 3 + size);
    if (verdict != SSP_OK) {
        reply(c, size == 0 ? BAD_ADDRESS : FAILED);
        return refuse(c, why);
    }
    restore_name(c);
    reply(c, SUCCEEDED);
    ssp_skip(c->io, 3 + size);
    c->state = TARGET;
    return SSP_OK;
}

/* The offset past the NUL of the text at from: 0 when it is not there yet, SSP_NPOS when the text
 * is too long. */
static size_t past_text(const uint8_t *p, size_t n, size_t from)
{
    size_t left = n > from ? n - from : 0;
    size_t len = left <= TEXT4_MAX ? left : TEXT4_MAX + 1;
    const uint8_t *nul = len > 0 ? memchr(p + from, '\0', len) : NULL;
    if (nul != NULL)
        return (size_t)(nul - p) + 1;
    return len > TEXT4_MAX ? SSP_NPOS : 0;
}

/* SOCKS4a: the address 0.0.0.x, x not 0, announces a name. */
static bool announces_name(const uint8_t *p)
{
    const uint8_t *address = p + ADDRESS4_AT;
    return address[0] == 0 && address[1] == 0 && address[2] == 0 && address[3] != 0;
}

/* The target of a request in the form of the header; name is empty for an address. */
static ssp_verdict parse4(struct socks_call *c, const uint8_t *p, const uint8_t *name,
                          size_t name_len)
{
    uint8_t header[SSP_TARGET_HEADER_MAX] = {1};
    const char *why;
    size_t n = 1;
    if (announces_name(p)) {
        header[0] = 3;
        header[n++] = (uint8_t)name_len;
        memcpy(header + n, name, name_len);
        n += name_len;
    } else {
        memcpy(header + n, p + ADDRESS4_AT, 4);
        n += 4;
    }
    memcpy(header + n, p + PORT4_AT, 2);
    return ss_target_parse(c->target, header, n + 2, &n, &why) == SSP_OK ? SSP_OK : refuse(c, why);
}

static ssp_verdict request4(struct socks_call *c)
{
    size_t n;
    const uint8_t *p = ssp_in(c->io, &n);
    bool guarded = c->entrance->accounts.n > 0; /* it has no password */
    if (guarded || (n >= 2 && p[1] != CONNECT)) {
        reply4(c, REJECTED4);
        return refuse(c, guarded ? "SOCKS4 while users are configured" : "unsupported command");
    }
    if (n <= USER4_AT)
        return await(c, n < 2 ? 2 : USER4_AT + 1);

    size_t user_end = past_text(p, n, USER4_AT), end = user_end;
    if (announces_name(p) && user_end != 0 && user_end != SSP_NPOS)
        end = past_text(p, n, user_end);
    if (end == 0)
        return await(c, n + 1);
    if (end == SSP_NPOS) {
        reply4(c, REJECTED4);
        return refuse(c, "invalid request length");
    }
    size_t name_len = end > user_end ? end - user_end - 1 : 0;
    if (parse4(c, p, p + user_end, name_len) != SSP_OK) {
        reply4(c, REJECTED4);
        return SSP_FAIL;
    }
    restore_name(c);
    reply4(c, GRANTED4);
    ssp_skip(c->io, end);
    c->state = TARGET;
    return SSP_OK;
}

ssp_verdict ss_socks_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    static ssp_verdict (*const step[])(struct socks_call *) = {
        [OPENING] = opening, [GREETING] = greeting, [CREDENTIALS] = credentials,
        [REQUEST] = request, [REQUEST4] = request4,
    };
    static const struct ss_entrance everyone;
    struct ss_socks_state *stored = state;
    const struct ss_entrance *entrance = ssp_conn_conf(conn);
    struct socks_call c = {.state = (enum state)stored->state,
                           .reached = &stored->reached,
                           .entrance = entrance != NULL ? entrance : &everyone,
                           .conn = conn,
                           .io = io,
                           .target = target};
    ssp_verdict verdict = SSP_OK;
    while (verdict == SSP_OK && c.state != TARGET)
        verdict = step[c.state](&c);
    stored->state = c.state;
    if (verdict == SSP_MORE && ssp_eof(io))
        return refuse(&c, "invalid request length");
    return verdict == SSP_OK ? SSP_CLEAR : verdict;
}

void ss_socks_open(ssp_conn *conn, void *state, const struct ssp__address *reached)
{
    struct ss_socks_state *stored = state;
    (void)conn;
    stored->reached = *reached;
}

/* Two reserved bytes and the number of the fragment; fragments are not reassembled. */
enum { PREFIX = 3, FRAGMENT_AT = 2 };

static int asked(struct ssp__packet_io *p)
{
    p->why = p->len < PREFIX ? "packet too short" : "fragmented";
    if (p->len < PREFIX || p->bytes[FRAGMENT_AT] != 0)
        return -1;
    p->bytes += PREFIX;
    p->len -= PREFIX;
    return ss_target_of_packet(p, &p->target) == -1 ? -1 : 0;
}

static int answered(struct ssp__packet_io *p)
{
    struct ssp__target unused;
    if (p->bare && ss_target_packet_front.answered(p) == -1)
        return -1;
    if (ss_target_of_packet(p, &unused) == -1)
        return -1;
    p->bytes -= PREFIX;
    p->len += PREFIX;
    memset(p->bytes, 0, PREFIX);
    return 0;
}

const struct ssp__packet_front ss_socks_packet_front = {
    .name = "socks", .asked = asked, .answered = answered};
const struct ssp__front ss_socks_front = {
    .name = "socks", .state_size = sizeof(struct ss_socks_state), .feed = ss_socks_feed};
const struct ssp__front ss_socks_udp_front = {.name = "socks",
                                              .state_size = sizeof(struct ss_socks_state),
                                              .open = ss_socks_open,
                                              .feed = ss_socks_feed};
