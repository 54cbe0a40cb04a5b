/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/packet2022.h"

#include "crypto/block.h"
#include "crypto/window.h"
#include "proto/aead2022.h"
#include "proto/target.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    SESSION_LEN = 8,
    NUMBERS_LEN = 16, /* session and number */
    NONCE_AT = 4,     /* in the numbers */
    NONCE_LEN = 24,   /* of ChaCha */
    REQUEST_LEN = 1 + 8,
    RESPONSE_LEN = REQUEST_LEN + SESSION_LEN,
    PADDING_LEN = 2, /* of its length */
    HEAD_MAX = NUMBERS_LEN + RESPONSE_LEN + PADDING_LEN,
    OLD_S = 60 /* a server's former session is known so long after its last packet */
};

_Static_assert((int)NUMBERS_LEN == (int)SS_BLOCK_LEN, "the numbers are one block");

/* A session that is heard. */
struct heard {
    uint64_t session;
    uint8_t key[SS_KEY_MAX]; /* with AES */
    int64_t last, stamp;     /* when a packet came last, and the latest time in one */
    int64_t after;           /* of a client: packets up to that time may have come already */
    struct ss_window window;
};

/* An association.  Zero has neither sent nor heard anything. */
struct state {
    uint64_t session, next; /* what is sent: the number of the next packet */
    uint8_t key[SS_KEY_MAX];
    bool sends, hears;
    struct heard peer;
    struct heard *old;        /* of a client: the session that the server had before; owned */
    struct ss_user *user;     /* of a server, held; NULL: none */
    struct ss_recent *recent; /* of a server: where the session goes in the end */
};

/* Memory of the program, and what identify() leaves for open(). */
struct scratch {
    struct ss_block opens; /* with the main key */
    struct ss_block seals;
    uint8_t seals_key[SS_KEY_MAX]; /* that of seals */
    struct ss_aead aead;
    uint8_t numbers[NUMBERS_LEN];
    struct ss_user *user; /* held */
    size_t body_at;       /* in the packet */
};

static int refuse(struct ssp__packet_io *p, const char *why)
{
    p->why = why;
    return -1;
}

static const struct ss_2022_conf *conf_of(const struct ssp__packet_io *p)
{
    return ssp_conn_conf(p->conn);
}

static bool serves(const struct ssp__packet_io *p)
{
    return ssp_conn_role(p->conn) == SSP_SERVER;
}

static bool with_aes(const struct ss_2022_conf *conf)
{
    return ss_2022_has_identities(conf->cipher);
}

static const uint8_t *key_of(const struct ss_2022_conf *conf, const struct ss_user *user)
{
    return user != NULL ? user->key : conf->key;
}

/* ---- the two ciphers ---- */

static void derive(const struct ss_2022_conf *conf, const uint8_t *key, uint64_t session,
                   uint8_t out[SS_KEY_MAX])
{
    uint8_t salt[SESSION_LEN];
    ss_2022_store64(salt, session);
    ss_2022_session_key(conf, key, salt, sizeof salt, out);
}

/* The cipher of a body: the packet before often had the same key. */
static int ready(const struct ss_2022_conf *conf, struct ss_aead *a, const uint8_t *key,
                 const uint8_t *nonce, size_t nonce_len)
{
    const struct ss_cipher *cipher =
        with_aes(conf) ? conf->cipher : &ss_ciphers[SS_XCHACHA20_POLY1305];
    int rc = 0;
    if (a->cipher == NULL)
        rc = ss_aead_start(a, cipher, conf->contexts, key);
    else if (sodium_memcmp(a->key, key, cipher->key_len) != 0)
        rc = ss_aead_restart(a, key);
    memcpy(a->nonce, nonce, nonce_len);
    return rc;
}

static int encrypt_block(const struct ss_2022_conf *conf, struct scratch *c, const uint8_t *key,
                         const uint8_t *in, uint8_t *out)
{
    size_t key_len = conf->cipher->key_len;
    if (c->seals.context == NULL || sodium_memcmp(c->seals_key, key, key_len) != 0) {
        memcpy(c->seals_key, key, key_len);
        if (ss_block_key(&c->seals, true, key, key_len) == -1)
            return -1;
    }
    return ss_block_run(&c->seals, in, out);
}

static int decrypt_block(const struct ss_2022_conf *conf, struct scratch *c, const uint8_t *in,
                         uint8_t *out)
{
    if (c->opens.context == NULL &&
        ss_block_key(&c->opens, false, conf->key, conf->cipher->key_len) == -1)
        return -1;
    return ss_block_run(&c->opens, in, out);
}

/* ---- from the wire ---- */

static void exclusive_or(uint8_t *block, const uint8_t *other)
{
    for (int i = 0; i < SS_BLOCK_LEN; i++)
        block[i] ^= other[i];
}

/* The user that the identity header names. */
static int find_user(struct ssp__packet_io *p, struct scratch *c)
{
    const struct ss_2022_conf *conf = conf_of(p);
    uint8_t hash[SS_BLOCK_LEN];
    if (decrypt_block(conf, c, p->bytes + NUMBERS_LEN, hash) == -1)
        return refuse(p, "out of memory");
    exclusive_or(hash, c->numbers);
    c->body_at += SS_BLOCK_LEN;
    c->user = ss_users_take(conf->users, hash);
    return c->user != NULL ? 0 : refuse(p, "unknown user");
}

/* With ChaCha the numbers are in the body, which is opened here. */
static int open_whole(struct ssp__packet_io *p, struct scratch *c)
{
    const struct ss_2022_conf *conf = conf_of(p);
    c->body_at = NONCE_LEN;
    if (p->len < NONCE_LEN + NUMBERS_LEN + SS_TAG_LEN)
        return refuse(p, "packet too short");
    if (p->cap < p->len)
        return refuse(p, "too long");
    if (ready(conf, &c->aead, conf->key, p->bytes, NONCE_LEN) == -1)
        return refuse(p, "out of memory");
    if (ss_aead_open(&c->aead, p->bytes + NONCE_LEN, p->len - NONCE_LEN, p->room) == -1)
        return refuse(p, "authentication error");
    memcpy(c->numbers, p->room, NUMBERS_LEN);
    p->bytes = p->room + NUMBERS_LEN;
    p->len -= NONCE_LEN + NUMBERS_LEN + SS_TAG_LEN;
    return 0;
}

/* Fills c->numbers, and c->user of a server with users. */
static int read_numbers(struct ssp__packet_io *p, struct scratch *c)
{
    const struct ss_2022_conf *conf = conf_of(p);
    bool named = serves(p) && conf->users != NULL;
    ss_user_release(c->user);
    c->user = NULL;
    if (!with_aes(conf))
        return open_whole(p, c);
    c->body_at = NUMBERS_LEN;
    if (p->len < NUMBERS_LEN + (named ? SS_BLOCK_LEN : 0) + SS_TAG_LEN)
        return refuse(p, "packet too short");
    if (p->cap < p->len)
        return refuse(p, "too long");
    if (decrypt_block(conf, c, p->bytes, c->numbers) == -1)
        return refuse(p, "out of memory");
    return named ? find_user(p, c) : 0;
}

/* The same session number of two users is two sessions. */
static int identify(struct ssp__packet_io *p, struct ssp__packet_key *key)
{
    struct scratch *c = p->scratch;
    if (read_numbers(p, c) == -1)
        return -1;
    *key = (struct ssp__packet_key){{ss_2022_load64(c->numbers), (uintptr_t)c->user, 2022}};
    return 0;
}

/* Opens a body with AES, unless the window refuses its number. */
static int open_body(struct ssp__packet_io *p, struct scratch *c, const struct heard *heard)
{
    const struct ss_2022_conf *conf = conf_of(p);
    if (!ss_window_admits(&heard->window, ss_2022_load64(c->numbers + SESSION_LEN))) {
        if (conf->recent != NULL)
            ss_recent_repeated(conf->recent);
        return refuse(p, "repeated packet");
    }
    if (!with_aes(conf))
        return 0;
    if (ready(conf, &c->aead, heard->key, c->numbers + NONCE_AT, conf->cipher->nonce_len) == -1)
        return refuse(p, "out of memory");
    if (ss_aead_open(&c->aead, p->bytes + c->body_at, p->len - c->body_at, p->room) == -1)
        return refuse(p, "authentication error");
    p->len -= c->body_at + SS_TAG_LEN;
    p->bytes = p->room;
    return 0;
}

/* Takes the main header off a body; what is left begins with a target header, which is whole. */
static int read_header(struct ssp__packet_io *p, uint64_t client_session, int64_t *stamp)
{
    const struct ss_2022_conf *conf = conf_of(p);
    struct ssp__target target;
    size_t len = serves(p) ? REQUEST_LEN : RESPONSE_LEN;
    uint8_t type = serves(p) ? SS_2022_FROM_CLIENT : SS_2022_FROM_SERVER;
    if (p->len < len + PADDING_LEN)
        return refuse(p, "header cut");
    if (p->bytes[0] != type)
        return refuse(p, "invalid header type");
    uint64_t time = ss_2022_load64(p->bytes + 1);
    if (!ss_2022_in_time(conf, ssp_conn_role(p->conn), time, ssp_conn_time(p->conn)))
        return refuse(p, "clocks differ by more than 30 s");
    if (!serves(p) && ss_2022_load64(p->bytes + REQUEST_LEN) != client_session)
        return refuse(p, "answer to another session");
    size_t padding = (size_t)p->bytes[len] << 8 | p->bytes[len + 1];
    len += PADDING_LEN + padding;
    if (p->len < len)
        return refuse(p, "invalid padding length");
    p->bytes += len;
    p->len -= len;
    *stamp = (int64_t)time;
    return ss_target_of_packet(p, &target) == -1 ? -1 : 0;
}

/* The payload behind the target header. */
static size_t payload_len(const struct ssp__packet_io *p)
{
    struct ssp__target target;
    const char *why;
    size_t size;
    return ss_target_parse(&target, p->bytes, p->len, &size, &why) == SSP_OK ? p->len - size : 0;
}

static void count(_Atomic uint64_t *bytes, _Atomic uint64_t *packets,
                  const struct ssp__packet_io *p)
{
    (void)atomic_fetch_add_explicit(bytes, payload_len(p), memory_order_relaxed);
    (void)atomic_fetch_add_explicit(packets, 1, memory_order_relaxed);
}

/* Only a packet that is valid moves the window.  Returns true when its time is the latest so far.
 */
static bool note(struct heard *heard, const struct scratch *c, int64_t stamp, int64_t now)
{
    bool later = stamp > heard->stamp;
    ss_window_note(&heard->window, ss_2022_load64(c->numbers + SESSION_LEN));
    heard->last = now;
    if (later)
        heard->stamp = stamp;
    return later;
}

/* ---- a server hears its client ---- */

static struct ss_recent_id id_of(uint8_t bytes[SS_RECENT_ID_MAX], uint64_t session,
                                 const struct ss_user *user)
{
    memset(bytes, 0, SS_RECENT_ID_MAX);
    ss_2022_store64(bytes, session);
    if (user != NULL)
        memcpy(bytes + SESSION_LEN, user->hash, SS_USER_HASH_LEN);
    return (struct ss_recent_id){bytes, SESSION_LEN + SS_USER_HASH_LEN};
}

/* A session without an association: a new one, or one that goes on after its association ended. */
static void meet(struct ssp__packet_io *p, const struct scratch *c, struct heard *heard)
{
    const struct ss_2022_conf *conf = conf_of(p);
    uint8_t bytes[SS_RECENT_ID_MAX];
    struct ss_recent_session known = {.after = INT64_MIN};
    *heard = (struct heard){.session = ss_2022_load64(c->numbers)};
    if (with_aes(conf))
        derive(conf, key_of(conf, c->user), heard->session, heard->key);
    if (conf->recent != NULL && ss_recent_find(conf->recent, id_of(bytes, heard->session, c->user),
                                               ssp_conn_time(p->conn), &known))
        ss_window_resume(&heard->window, known.number);
    heard->after = known.after;
}

/* The first packet of a second is told, so that a server that starts anew refuses what has come. */
static void hear(struct ssp__packet_io *p, const struct scratch *c, struct state *s, int64_t stamp)
{
    uint8_t bytes[SS_RECENT_ID_MAX];
    int64_t now = ssp_conn_time(p->conn);
    if (note(&s->peer, c, stamp, now) && s->recent != NULL)
        ss_recent_note(s->recent, id_of(bytes, s->peer.session, s->user), stamp, now);
}

static int open_request(struct ssp__packet_io *p)
{
    const struct ss_2022_conf *conf = conf_of(p);
    struct scratch *c = p->scratch;
    struct state *s = p->state;
    bool first = !s->hears;
    int64_t stamp;
    if (first)
        meet(p, c, &s->peer);
    if (ss_user_refused(c->user) != NULL)
        return refuse(p, ss_user_refused(c->user));
    if (open_body(p, c, &s->peer) == -1 || read_header(p, 0, &stamp) == -1)
        return -1;
    if (stamp <= s->peer.after)
        return refuse(p, ss_2022_too_old);
    if (first) {
        s->user = ss_user_hold(c->user);
        s->recent = conf->recent;
        s->hears = true;
    }
    hear(p, c, s, stamp);
    if (s->user != NULL)
        count(&s->user->counters.up, &s->user->counters.packets_up, p);
    return 0;
}

/* ---- a client hears its server ---- */

/* The session of the packet, if it is known. */
static struct heard *known(struct state *s, uint64_t session)
{
    if (s->hears && s->peer.session == session)
        return &s->peer;
    return s->old != NULL && s->old->session == session ? s->old : NULL;
}

/* A server that has started anew begins a new session.  The former one is kept, lest its packets
 * come a second time; a third one has to wait until it is old. */
static int adopt(struct state *s, const struct heard *fresh, int64_t now)
{
    bool waits = s->old != NULL && now - s->old->last < OLD_S;
    if (s->hears && waits)
        return -1;
    if (s->hears && s->old == NULL)
        s->old = malloc(sizeof *s->old);
    if (s->hears && s->old == NULL)
        return -1;
    if (s->hears)
        *s->old = s->peer;
    s->peer = *fresh;
    s->hears = true;
    return 0;
}

static int open_response(struct ssp__packet_io *p)
{
    const struct ss_2022_conf *conf = conf_of(p);
    struct scratch *c = p->scratch;
    struct state *s = p->state;
    struct heard fresh = {.session = 0};
    int64_t stamp, now = ssp_conn_time(p->conn);
    if (read_numbers(p, c) == -1)
        return -1;
    struct heard *heard = known(s, ss_2022_load64(c->numbers));
    if (heard == NULL) {
        fresh.session = ss_2022_load64(c->numbers);
        if (with_aes(conf))
            derive(conf, conf->key, fresh.session, fresh.key);
    }
    const struct heard *session = heard != NULL ? heard : &fresh;
    if (open_body(p, c, session) == -1 || read_header(p, s->session, &stamp) == -1)
        return -1;
    (void)note(heard != NULL ? heard : &fresh, c, stamp, now);
    if (heard == NULL && adopt(s, &fresh, now) == -1)
        return refuse(p, "another session of the server, too soon");
    return 0;
}

static int open(struct ssp__packet_io *p)
{
    return serves(p) ? open_request(p) : open_response(p);
}

/* ---- to the wire ---- */

/* Begins the session that is sent. */
static void begin(struct ssp__packet_io *p, struct state *s)
{
    const struct ss_2022_conf *conf = conf_of(p);
    do {
        ssp_conn_random(p->conn, &s->session, sizeof s->session);
    } while (serves(p) && s->session == s->peer.session);
    if (with_aes(conf))
        derive(conf, key_of(conf, s->user), s->session, s->key);
    s->sends = true;
}

/* Writes numbers and main header in front of the plain bytes. */
static void put_header(struct ssp__packet_io *p, const struct state *s,
                       const uint8_t numbers[NUMBERS_LEN])
{
    uint8_t head[HEAD_MAX], *next = head;
    if (!with_aes(conf_of(p))) {
        memcpy(next, numbers, NUMBERS_LEN);
        next += NUMBERS_LEN;
    }
    *next++ = serves(p) ? SS_2022_FROM_SERVER : SS_2022_FROM_CLIENT;
    ss_2022_store64(next, (uint64_t)ssp_conn_time(p->conn));
    next += 8;
    if (serves(p)) {
        ss_2022_store64(next, s->peer.session);
        next += SESSION_LEN;
    }
    *next++ = 0; /* no padding */
    *next++ = 0;
    size_t n = (size_t)(next - head);
    p->bytes -= n;
    p->len += n;
    memcpy(p->bytes, head, n);
}

/* The separate header and the identity headers.  Returns their length, or 0 when memory is out. */
static size_t put_blocks(struct ssp__packet_io *p, const struct state *s,
                         const uint8_t numbers[NUMBERS_LEN])
{
    const struct ss_2022_conf *conf = conf_of(p);
    struct scratch *c = p->scratch;
    uint8_t *out = p->room, name[SS_BLOCK_LEN];
    const uint8_t *outer = conf->identities > 0 ? conf->identity[0].key : key_of(conf, s->user);
    if (encrypt_block(conf, c, outer, numbers, out) == -1)
        return 0;
    out += SS_BLOCK_LEN;
    for (unsigned i = 0; i < conf->identities; i++, out += SS_BLOCK_LEN) {
        memcpy(name, conf->identity[i].next, sizeof name);
        exclusive_or(name, numbers);
        if (encrypt_block(conf, c, conf->identity[i].key, name, out) == -1)
            return 0;
    }
    return (size_t)(out - p->room);
}

static int seal_body(struct ssp__packet_io *p, const struct state *s,
                     const uint8_t numbers[NUMBERS_LEN])
{
    const struct ss_2022_conf *conf = conf_of(p);
    struct scratch *c = p->scratch;
    size_t at = NONCE_LEN;
    int rc;
    if (with_aes(conf)) {
        at = put_blocks(p, s, numbers);
        rc = ready(conf, &c->aead, s->key, numbers + NONCE_AT, conf->cipher->nonce_len);
    } else {
        ssp_conn_random(p->conn, p->room, NONCE_LEN);
        rc = ready(conf, &c->aead, conf->key, p->room, NONCE_LEN);
    }
    if (at == 0 || rc == -1 || ss_aead_seal(&c->aead, p->bytes, p->len, p->room + at) == -1)
        return refuse(p, "out of memory");
    p->bytes = p->room;
    p->len += at + SS_TAG_LEN;
    return 0;
}

static int seal(struct ssp__packet_io *p)
{
    const struct ss_2022_conf *conf = conf_of(p);
    struct state *s = p->state;
    uint8_t numbers[NUMBERS_LEN];
    size_t blocks = NONCE_LEN + conf->identities * (size_t)SS_BLOCK_LEN;
    if (p->cap < blocks + HEAD_MAX + p->len + SS_TAG_LEN)
        return refuse(p, "too long");
    if (ss_user_refused(s->user) != NULL)
        return refuse(p, ss_user_refused(s->user));
    if (!s->sends)
        begin(p, s);
    if (s->user != NULL)
        count(&s->user->counters.down, &s->user->counters.packets_down, p);
    ss_2022_store64(numbers, s->session);
    ss_2022_store64(numbers + SESSION_LEN, s->next++);
    put_header(p, s, numbers);
    return seal_body(p, s, numbers);
}

static const char *user(const void *state)
{
    const struct state *s = state;
    return s->user != NULL ? s->user->name : NULL;
}

static struct ssp__bucket *bucket(void *state)
{
    struct state *s = state;
    return ss_user_bucket(s->user);
}

/* ---- the end ---- */

static void close(void *state)
{
    struct state *s = state;
    uint8_t bytes[SS_RECENT_ID_MAX];
    if (s->hears && s->recent != NULL)
        ss_recent_put(s->recent, id_of(bytes, s->peer.session, s->user), s->peer.stamp,
                      s->peer.last, s->peer.window.next);
    if (s->old != NULL)
        sodium_memzero(s->old, sizeof *s->old);
    free(s->old);
    ss_user_release(s->user);
    sodium_memzero(s, sizeof *s);
}

static void release(void *scratch)
{
    struct scratch *c = scratch;
    ss_block_wipe(&c->opens);
    ss_block_wipe(&c->seals);
    ss_aead_wipe(&c->aead);
    ss_user_release(c->user);
    sodium_memzero(c, sizeof *c);
}

const struct ssp__packets ss_2022_packets = {.name = "shadowsocks-2022",
                                             .state_size = sizeof(struct state),
                                             .scratch_size = sizeof(struct scratch),
                                             .authentic = true,
                                             .identify = identify,
                                             .open = open,
                                             .seal = seal,
                                             .bucket = bucket,
                                             .user = user,
                                             .close = close,
                                             .release = release};
