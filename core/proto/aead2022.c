/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/aead2022.h"

#include "base/access_record.h"
#include "crypto/blake3.h"
#include "crypto/block.h"
#include "crypto/key.h"
#include "proto/aead.h"
#include "proto/target.h"

#include <sodium.h>
#include <string.h>

enum {
    LENGTH_LEN = SS_CHUNK_LENGTH,
    SEALED_LENGTH = SS_CHUNK_SEALED_LENGTH,
    STAMP_AT = 1,
    REQUEST_LEN = 1 + 8 + LENGTH_LEN, /* type, time, length */
    RESPONSE_MAX = REQUEST_LEN + SS_SALT_MAX,
    PADDING_LEN = 2,  /* of its length */
    FIRST_MAX = 8192, /* payload beside the target header */
    BULK_CHUNK = 32 * 1024,
    IDENTITIES_LEN = SS_IDENTITIES_MAX * SS_BLOCK_LEN,
    /* the longest head and one full chunk: what a call must be able to write */
    MIN_ROOM =
        SS_SALT_MAX + IDENTITIES_LEN + RESPONSE_MAX + SS_TAG_LEN + SS_2022_CHUNK_MAX + SS_TAG_LEN
};

/* A direction that is read: its next part. */
enum stage { HEAD, VARIABLE, LENGTH, PAYLOAD };

/* Directions without a key have not begun. */
struct state {
    struct ss_aead seal, open;
    struct ss_user *user;      /* of a server, held; NULL: none, or not known yet */
    uint8_t salt[SS_SALT_MAX]; /* of the request */
    int64_t stamp;             /* of the request, until its salt is remembered */
    uint16_t len;              /* of the part that is being read */
    uint8_t stage;
    bool bound; /* salt is there: a server may answer */
};

static ssp_verdict fail(ssp_conn *conn, const char *why)
{
    ssp_conn_why(conn, "%s", why);
    return SSP_FAIL;
}

uint64_t ss_2022_load64(const uint8_t *p)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | p[i];
    return number;
}

void ss_2022_store64(uint8_t *p, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(number >> (56 - 8 * i));
}

static unsigned load16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint8_t *store16(uint8_t *p, size_t number)
{
    p[0] = (uint8_t)(number >> 8);
    p[1] = (uint8_t)number;
    return p + 2;
}

/* ---- keys ---- */

bool ss_2022_has_identities(const struct ss_cipher *cipher)
{
    return cipher != &ss_ciphers[SS_CHACHA20_POLY1305];
}

/* Writes key.len bytes: a shorter output is the beginning of a longer one. */
static void derive(const char *context, struct ss_span key, struct ss_span salt, uint8_t *out)
{
    uint8_t material[SS_KEY_MAX + SS_SALT_MAX], whole[SS_BLAKE3_LEN];
    memcpy(material, key.bytes, key.len);
    memcpy(material + key.len, salt.bytes, salt.len);
    ss_blake3_derive(context, material, key.len + salt.len, whole);
    memcpy(out, whole, key.len);
    sodium_memzero(material, sizeof material);
    sodium_memzero(whole, sizeof whole);
}

void ss_2022_session_key(const struct ss_2022_conf *conf, const uint8_t *key, const uint8_t *salt,
                         size_t salt_len, uint8_t out[SS_KEY_MAX])
{
    derive("shadowsocks 2022 session subkey", (struct ss_span){key, conf->cipher->key_len},
           (struct ss_span){salt, salt_len}, out);
}

static int start(struct ss_aead *a, const struct ss_2022_conf *conf, const uint8_t *key,
                 const uint8_t *salt)
{
    uint8_t subkey[SS_KEY_MAX];
    ss_2022_session_key(conf, key, salt, conf->cipher->salt_len, subkey);
    int rc = ss_aead_start(a, conf->cipher, conf->contexts, subkey);
    sodium_memzero(subkey, sizeof subkey);
    return rc;
}

/* Encrypts or decrypts, in place, the identity header of a stream. */
static int identity(const struct ss_2022_conf *conf, bool encrypts, const uint8_t *key,
                    const uint8_t *salt, uint8_t header[SS_BLOCK_LEN])
{
    uint8_t subkey[SS_KEY_MAX];
    struct ss_block block = {.context = NULL};
    size_t key_len = conf->cipher->key_len;
    derive("shadowsocks 2022 identity subkey", (struct ss_span){key, key_len},
           (struct ss_span){salt, conf->cipher->salt_len}, subkey);
    int rc = ss_block_key(&block, encrypts, subkey, key_len);
    if (rc == 0)
        rc = ss_block_run(&block, header, header);
    ss_block_wipe(&block);
    sodium_memzero(subkey, sizeof subkey);
    return rc;
}

/* ---- clocks ---- */

bool ss_2022_in_time(const struct ss_2022_conf *conf, ssp_role role, uint64_t stamp, int64_t now)
{
    uint64_t ahead = stamp - (uint64_t)now; /* wraps, and is then negative */
    if (ahead + SS_2022_CLOCK_S <= UINT64_C(2) * SS_2022_CLOCK_S)
        return true;
    struct ss_2022_clock *clock = conf->clock;
    if (role == SSP_CLIENT && clock != NULL && clock->tell != NULL &&
        !atomic_exchange(&clock->told, true))
        clock->tell((int64_t)ahead);
    return false;
}

const char ss_2022_too_old[] = "from before the time that this server remembers (restart it if its "
                               "clock was ahead when it started)";

/* The reason is that of a server, since a client is told once. */
static ssp_verdict off_clock(ssp_conn *conn, uint64_t stamp)
{
    int64_t ahead = (int64_t)(stamp - (uint64_t)ssp_conn_time(conn));
    if (ssp_conn_role(conn) == SSP_SERVER)
        ssp_conn_why(conn, "clock of the client differs by %lld s (expected at most %d)",
                     (long long)ahead, SS_2022_CLOCK_S);
    return SSP_FAIL;
}

/* ---- plain to wire ---- */

static uint8_t *put_fixed(ssp_conn *conn, uint8_t *p, uint8_t type)
{
    *p = type;
    ss_2022_store64(p + STAMP_AT, (uint64_t)ssp_conn_time(conn));
    return p + STAMP_AT + 8;
}

static size_t padding_len(ssp_conn *conn)
{
    uint8_t random[2];
    ssp_conn_random(conn, random, sizeof random);
    return 1 + load16(random) % SS_2022_PADDING_MAX;
}

static void put_salt(ssp_conn *conn, const struct ss_2022_conf *conf, uint8_t *salt)
{
    ssp_conn_random(conn, salt, conf->cipher->salt_len);
    memcpy(salt, conf->prefix, conf->prefix_len);
}

/* The salt of a request, its identity headers, and the key of what follows. */
static int put_request_salt(ssp_conn *conn, struct state *s, uint8_t *out)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    size_t salt_len = conf->cipher->salt_len;
    put_salt(conn, conf, out);
    memcpy(s->salt, out, salt_len);
    uint8_t *header = out + salt_len;
    for (unsigned i = 0; i < conf->identities; i++, header += SS_BLOCK_LEN) {
        memcpy(header, conf->identity[i].next, SS_BLOCK_LEN);
        if (identity(conf, true, conf->identity[i].key, s->salt, header) == -1)
            return -1;
    }
    return start(&s->seal, conf, conf->key, s->salt);
}

/* The target header has size bytes, and take bytes of payload are behind it.  The plain form is
 * built behind the place of the sealed one. */
static ssp_verdict put_request(ssp_conn *conn, struct state *s, ssp_io *io, size_t size,
                               size_t take)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    size_t n, head = conf->cipher->salt_len + conf->identities * (size_t)SS_BLOCK_LEN;
    const uint8_t *in = ssp_in(io, &n);
    size_t padding = take > 0 ? 0 : padding_len(conn);
    size_t len = size + PADDING_LEN + padding + take;
    size_t total = head + REQUEST_LEN + SS_TAG_LEN + len + SS_TAG_LEN;
    uint8_t fixed[REQUEST_LEN], *out = ssp_room(io, total + len);
    if (out == NULL)
        return SSP_OK;
    if (put_request_salt(conn, s, out) == -1)
        return fail(conn, "out of memory");
    (void)store16(put_fixed(conn, fixed, SS_2022_FROM_CLIENT), len);
    uint8_t *plain = out + total;
    memcpy(plain, in, size);
    uint8_t *next = store16(plain + size, padding);
    memset(next, 0, padding);
    memcpy(next + padding, in + size, take);
    if (ss_aead_seal(&s->seal, fixed, sizeof fixed, out + head) == -1 ||
        ss_aead_seal(&s->seal, plain, len, out + head + REQUEST_LEN + SS_TAG_LEN) == -1)
        return fail(conn, "encryption error");
    sodium_memzero(plain, len);
    ssp_used(io, total);
    ssp_skip(io, size + take);
    return SSP_OK;
}

/* The engine holds the target header a little for the first payload: both leave at once. */
static ssp_verdict begin_request(ssp_conn *conn, struct state *s, ssp_io *io)
{
    struct ssp__target target;
    const char *why;
    size_t n, size;
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    ssp_verdict verdict = ss_target_parse(&target, in, n, &size, &why);
    if (verdict == SSP_MORE && !ssp_eof(io)) {
        ssp_need(io, size);
        return SSP_MORE;
    }
    if (verdict != SSP_OK)
        return fail(conn, verdict == SSP_MORE ? "target header cut" : why);
    size_t take = n - size < FIRST_MAX ? n - size : FIRST_MAX;
    return put_request(conn, s, io, size, take);
}

/* The next chunk of n bytes.  A reader copies the part of a chunk that it has got twice: of more
 * than one chunk the halves cost less than whole ones, 3 % of all with 128 streams. */
static size_t chunk_of(size_t n)
{
    return n <= SS_2022_CHUNK_MAX ? n : BULK_CHUNK;
}

static ssp_verdict begin_response(ssp_conn *conn, struct state *s, ssp_io *io)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    size_t n, salt_len = conf->cipher->salt_len, len = REQUEST_LEN + salt_len;
    uint8_t fixed[RESPONSE_MAX], *out;
    const uint8_t *in = ssp_in(io, &n);
    if (!s->bound) {
        ssp_wait(io);
        return SSP_MORE;
    }
    if (n == 0)
        return SSP_MORE;
    size_t take = chunk_of(n);
    out = ssp_room(io, salt_len + len + SS_TAG_LEN + take + SS_TAG_LEN);
    if (out == NULL)
        return SSP_OK;
    ssp_conn_random(conn, out, salt_len);
    if (start(&s->seal, conf, s->user != NULL ? s->user->key : conf->key, out) == -1)
        return fail(conn, "out of memory");
    uint8_t *next = put_fixed(conn, fixed, SS_2022_FROM_SERVER);
    memcpy(next, s->salt, salt_len);
    (void)store16(next + salt_len, take);
    if (ss_aead_seal(&s->seal, fixed, len, out + salt_len) == -1)
        return fail(conn, "encryption error");
    size_t head = salt_len + len + SS_TAG_LEN;
    if (ss_aead_seal(&s->seal, in, take, out + head) == -1)
        return fail(conn, "encryption error");
    ssp_used(io, head + take + SS_TAG_LEN);
    ssp_skip(io, take);
    return SSP_OK;
}

static ssp_verdict put_chunk(ssp_conn *conn, struct state *s, ssp_io *io)
{
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    size_t take = chunk_of(n);
    size_t size = SEALED_LENGTH + take + SS_TAG_LEN;
    uint8_t *out = ssp_room(io, size);
    if (out == NULL)
        return SSP_OK;
    if (ss_chunk_seal(&s->seal, in, take, out) == -1)
        return fail(conn, "encryption error");
    ssp_used(io, size);
    ssp_skip(io, take);
    return SSP_OK;
}

static void add(_Atomic uint64_t *counter, size_t n)
{
    (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void count(struct state *s, bool up, size_t n)
{
    if (s->user != NULL)
        add(up ? &s->user->counters.up : &s->user->counters.down, n);
}

/* The user may have been removed, or got a limit, since the last message.  Returns NULL, or why it
 * is not served. */
static const char *ask_user(ssp_conn *conn, const struct state *s)
{
    if (s->bound)
        ssp__conn_meter(conn, ss_user_bucket(s->user));
    return ss_user_refused(s->user);
}

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct state *s = state;
    size_t before, after;
    bool client = ssp_conn_role(conn) == SSP_CLIENT;
    (void)ssp_in(io, &before);
    const char *refused = ask_user(conn, s);
    if (refused != NULL)
        return fail(conn, refused);
    ssp_verdict verdict = s->seal.cipher != NULL ? put_chunk(conn, s, io)
                          : client               ? begin_request(conn, s, io)
                                                 : begin_response(conn, s, io);
    (void)ssp_in(io, &after);
    count(s, false, before - after);
    return verdict;
}

/* ---- wire to plain ---- */

/* Asks for total bytes, which will not come after the end of input. */
static ssp_verdict await(ssp_conn *conn, const struct state *s, ssp_io *io, size_t total)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (ssp_eof(io) && (n > 0 || s->stage == VARIABLE || s->stage == PAYLOAD))
        return fail(conn, "stream cut");
    ssp_need(io, total);
    return SSP_MORE;
}

/* The user that the identity header names.  Returns the key of the stream, or NULL. */
static const uint8_t *key_of_client(ssp_conn *conn, struct state *s, const uint8_t *salt,
                                    const uint8_t *header)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    uint8_t hash[SS_BLOCK_LEN];
    if (conf->users == NULL)
        return conf->key;
    memcpy(hash, header, sizeof hash);
    if (s->user == NULL && identity(conf, false, conf->key, salt, hash) == 0)
        s->user = ss_users_take(conf->users, hash);
    return s->user != NULL && ss_user_refused(s->user) == NULL ? s->user->key : NULL;
}

/* Salt, identity header and fixed header of a client.  The parts are looked at when all are there.
 */
static ssp_verdict read_request(ssp_conn *conn, struct state *s, ssp_io *io)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    size_t n, salt_len = conf->cipher->salt_len;
    size_t head = salt_len + (conf->users != NULL ? SS_BLOCK_LEN : 0);
    uint8_t fixed[REQUEST_LEN];
    const uint8_t *in = ssp_in(io, &n);
    if (n < head + sizeof fixed + SS_TAG_LEN)
        return await(conn, s, io, head + sizeof fixed + SS_TAG_LEN);
    const uint8_t *key = key_of_client(conn, s, in, in + salt_len);
    if (key == NULL)
        return fail(conn, s->user != NULL ? ss_user_refused(s->user) : "unknown user");
    if (start(&s->open, conf, key, in) == -1)
        return fail(conn, "out of memory");
    if (ss_aead_open(&s->open, in + head, sizeof fixed + SS_TAG_LEN, fixed) == -1)
        return fail(conn, "authentication error");
    if (fixed[0] != SS_2022_FROM_CLIENT)
        return fail(conn, "invalid header type");
    uint64_t stamp = ss_2022_load64(fixed + STAMP_AT);
    if (!ss_2022_in_time(conf, SSP_SERVER, stamp, ssp_conn_time(conn)))
        return off_clock(conn, stamp);
    memcpy(s->salt, in, salt_len);
    s->stamp = (int64_t)stamp;
    s->len = (uint16_t)load16(fixed + STAMP_AT + 8);
    s->stage = VARIABLE;
    ssp_skip(io, head + sizeof fixed + SS_TAG_LEN);
    return SSP_OK;
}

/* Turns the variable header into the target header and the payload.  Returns their length, or 0
 * with the reason. */
static size_t strip(uint8_t *bytes, size_t n, size_t *payload, const char **why)
{
    struct ssp__target target;
    size_t size;
    ssp_verdict verdict = ss_target_parse(&target, bytes, n, &size, why);
    if (verdict == SSP_MORE)
        *why = "target header cut";
    if (verdict != SSP_OK)
        return 0;
    *why = "invalid padding length";
    if (n < size + PADDING_LEN)
        return 0;
    size_t padding = load16(bytes + size), payload_at = size + PADDING_LEN + padding;
    if (n < payload_at || (padding == 0 && n == payload_at))
        return 0;
    *payload = n - payload_at;
    memmove(bytes + size, bytes + payload_at, *payload);
    return size + *payload;
}

/* Only now is the whole head verified, and its salt remembered: a part of a recorded stream must
 * not make the rest of it look like a replay.  Returns NULL, or the reason to refuse it. */
static const char *replayed(ssp_conn *conn, const struct state *s)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    const struct ss_recent_id id = {s->salt, conf->cipher->salt_len};
    if (conf->recent == NULL || ss_recent_add(conf->recent, id, s->stamp, ssp_conn_time(conn)))
        return NULL;
    return ss_recent_too_old(conf->recent, s->stamp) ? ss_2022_too_old : "repeat salt detected";
}

static ssp_verdict read_variable(ssp_conn *conn, struct state *s, ssp_io *io)
{
    size_t n, size = (size_t)s->len + SS_TAG_LEN;
    const char *why = "authentication error";
    const uint8_t *in = ssp_in(io, &n);
    if (n < size)
        return await(conn, s, io, size);
    uint8_t *out = ssp_room(io, s->len);
    if (out == NULL)
        return fail(conn, "no room");
    if (ss_aead_open(&s->open, in, size, out) == -1)
        return fail(conn, why);
    size_t payload, plain = strip(out, s->len, &payload, &why);
    if (plain == 0)
        return fail(conn, why);
    why = replayed(conn, s);
    if (why != NULL) {
        sodium_memzero(out, s->len);
        return fail(conn, why);
    }
    ssp_used(io, plain);
    ssp_skip(io, size);
    count(s, true, payload);
    if (s->user != NULL)
        add(&s->user->counters.connections, 1);
    ssp__conn_meter(conn, ss_user_bucket(s->user));
    ssp__conn_user(conn, s->user != NULL ? s->user->name : NULL);
    s->bound = true;
    s->stage = LENGTH;
    return SSP_OK;
}

static ssp_verdict read_response(ssp_conn *conn, struct state *s, ssp_io *io)
{
    const struct ss_2022_conf *conf = ssp_conn_conf(conn);
    size_t n, salt_len = conf->cipher->salt_len, len = REQUEST_LEN + salt_len;
    uint8_t fixed[RESPONSE_MAX];
    const uint8_t *in = ssp_in(io, &n);
    if (n < salt_len + len + SS_TAG_LEN)
        return await(conn, s, io, salt_len + len + SS_TAG_LEN);
    if (start(&s->open, conf, conf->key, in) == -1)
        return fail(conn, "out of memory");
    if (ss_aead_open(&s->open, in + salt_len, len + SS_TAG_LEN, fixed) == -1)
        return fail(conn, "authentication error");
    if (fixed[0] != SS_2022_FROM_SERVER)
        return fail(conn, "invalid header type");
    if (s->seal.cipher == NULL || sodium_memcmp(fixed + STAMP_AT + 8, s->salt, salt_len) != 0)
        return fail(conn, "response to another request");
    uint64_t stamp = ss_2022_load64(fixed + STAMP_AT);
    if (!ss_2022_in_time(conf, SSP_CLIENT, stamp, ssp_conn_time(conn)))
        return off_clock(conn, stamp);
    s->len = (uint16_t)load16(fixed + STAMP_AT + 8 + salt_len);
    s->stage = PAYLOAD;
    ssp_skip(io, salt_len + len + SS_TAG_LEN);
    return SSP_OK;
}

static ssp_verdict read_head(ssp_conn *conn, struct state *s, ssp_io *io)
{
    return ssp_conn_role(conn) == SSP_SERVER ? read_request(conn, s, io)
                                             : read_response(conn, s, io);
}

/* An empty chunk is of no use, and other implementations pass over it too. */
static ssp_verdict read_length(ssp_conn *conn, struct state *s, ssp_io *io)
{
    uint8_t length[LENGTH_LEN];
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n < SEALED_LENGTH)
        return await(conn, s, io, SEALED_LENGTH);
    if (ss_aead_open(&s->open, in, SEALED_LENGTH, length) == -1)
        return fail(conn, "authentication error");
    s->len = (uint16_t)load16(length);
    s->stage = PAYLOAD;
    ssp_skip(io, SEALED_LENGTH);
    return SSP_OK;
}

static ssp_verdict read_payload(ssp_conn *conn, struct state *s, ssp_io *io)
{
    size_t n, size = (size_t)s->len + SS_TAG_LEN;
    const uint8_t *in = ssp_in(io, &n);
    if (n < size)
        return await(conn, s, io, size);
    uint8_t *out = ssp_room(io, s->len);
    if (out == NULL && s->len > 0)
        return fail(conn, "no room");
    if (ss_aead_open(&s->open, in, size, out) == -1)
        return fail(conn, "authentication error");
    if (s->len > 0)
        ssp_used(io, s->len);
    ssp_skip(io, size);
    count(s, true, s->len);
    s->stage = LENGTH;
    return SSP_OK;
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    static ssp_verdict (*const read[])(ssp_conn *, struct state *, ssp_io *) = {
        [HEAD] = read_head,
        [VARIABLE] = read_variable,
        [LENGTH] = read_length,
        [PAYLOAD] = read_payload,
    };
    struct state *s = state;
    ssp_verdict verdict = SSP_OK;
    const char *refused = ask_user(conn, s);
    if (refused != NULL)
        return fail(conn, refused);
    /* Each step has room for any part; without it, the next call goes on. */
    while (verdict == SSP_OK && ssp_room(io, SS_2022_CHUNK_MAX) != NULL)
        verdict = read[s->stage](conn, s, io);
    if (verdict == SSP_FAIL && s->bound && s->user != NULL)
        add(&s->user->counters.failed, 1);
    return verdict;
}

static void wipe(ssp_conn *conn, void *state)
{
    (void)conn;
    struct state *s = state;
    ss_aead_wipe(&s->seal);
    ss_aead_wipe(&s->open);
    ss_user_release(s->user);
    sodium_memzero(s, sizeof *s);
}

const ssp_codec ss_2022_codec = {
    .size = sizeof(ssp_codec),
    .name = "shadowsocks",
    .version = "2022",
    .about = "Shadowsocks 2022 stream",
    .conf_size = sizeof(struct ss_2022_conf),
    .state_size = sizeof(struct state),
    .min_room = MIN_ROOM,
    .wrap = wrap,
    .unwrap = unwrap,
    .close = wipe,
};
