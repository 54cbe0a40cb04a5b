/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/aead.h"

#include "crypto/key.h"

#include <sodium.h>
#include <string.h>

enum {
    LENGTH_LEN = SS_CHUNK_LENGTH,
    SEALED_LENGTH = SS_CHUNK_SEALED_LENGTH,
    /* salt and one full chunk: what a call must be able to write */
    MIN_ROOM = SS_SALT_MAX + SEALED_LENGTH + SS_AEAD_CHUNK_MAX + SS_TAG_LEN
};

/* Directions without a key have not seen their salt. */
struct aead_state {
    struct ss_aead seal, open;
    uint64_t mark;      /* of the peer's salt, until verified */
    uint16_t chunk_len; /* payload length of the chunk that is being read; 0: not known yet */
    bool verified;      /* a payload of the peer has been authenticated */
};

static ssp_verdict fail(ssp_conn *conn, const char *why)
{
    ssp_conn_why(conn, "%s", why);
    return SSP_FAIL;
}

/* Writes a new salt.  It is remembered, so that a stream of ours is not taken when it is sent back
 * to us. */
static int start_wrap(ssp_conn *conn, struct aead_state *s, uint8_t *salt)
{
    const struct ss_aead_conf *conf = ssp_conn_conf(conn);
    size_t n = conf->cipher->salt_len;
    ssp_conn_random(conn, salt, n);
    memcpy(salt, conf->prefix, conf->prefix_len);
    if (conf->replay != NULL)
        (void)ss_replay_add(conf->replay, ss_replay_mark(conf->replay, salt, n));
    return ss_key_start(&s->seal, conf->cipher, conf->contexts, conf->key, salt);
}

int ss_chunk_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    const uint8_t length[LENGTH_LEN] = {(uint8_t)(n >> 8), (uint8_t)n};
    if (ss_aead_seal(a, length, sizeof length, out) == -1)
        return -1;
    return ss_aead_seal(a, in, n, out + SEALED_LENGTH);
}

static ssp_verdict wrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct aead_state *s = state;
    const struct ss_aead_conf *conf = ssp_conn_conf(conn);
    size_t n;
    for (const uint8_t *in = ssp_in(io, &n); n > 0; in = ssp_in(io, &n)) {
        size_t salt_len = s->seal.cipher == NULL ? conf->cipher->salt_len : 0;
        size_t take = n < SS_AEAD_CHUNK_MAX ? n : SS_AEAD_CHUNK_MAX;
        size_t size = salt_len + SEALED_LENGTH + take + SS_TAG_LEN;
        uint8_t *out = ssp_room(io, size);
        if (out == NULL)
            return SSP_OK;
        if (salt_len > 0 && start_wrap(conn, s, out) == -1)
            return fail(conn, "out of memory");
        if (ss_chunk_seal(&s->seal, in, take, out + salt_len) == -1)
            return fail(conn, "encryption error");
        ssp_used(io, size);
        ssp_skip(io, take);
    }
    return SSP_MORE;
}

/* Asks for total bytes, which will not come after the end of input. */
static ssp_verdict await(ssp_conn *conn, const struct aead_state *s, ssp_io *io, size_t total)
{
    size_t n;
    (void)ssp_in(io, &n);
    if (ssp_eof(io) && (n > 0 || s->chunk_len > 0))
        return fail(conn, "stream cut");
    ssp_need(io, total);
    return SSP_MORE;
}

/* Waits for the first length too: a salt alone is no reason to derive a key, and an unread salt
 * cannot be mistaken for the end of a chunk. */
static ssp_verdict read_salt(ssp_conn *conn, struct aead_state *s, ssp_io *io)
{
    const struct ss_aead_conf *conf = ssp_conn_conf(conn);
    size_t n, salt_len = conf->cipher->salt_len;
    const uint8_t *in = ssp_in(io, &n);
    if (n < salt_len + SEALED_LENGTH)
        return await(conn, s, io, salt_len + SEALED_LENGTH);
    if (ss_key_start(&s->open, conf->cipher, conf->contexts, conf->key, in) == -1)
        return fail(conn, "out of memory");
    if (conf->replay != NULL)
        s->mark = ss_replay_mark(conf->replay, in, salt_len);
    ssp_skip(io, salt_len);
    return SSP_OK;
}

static ssp_verdict read_length(ssp_conn *conn, struct aead_state *s, ssp_io *io)
{
    uint8_t length[LENGTH_LEN];
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (n < SEALED_LENGTH)
        return await(conn, s, io, SEALED_LENGTH);
    if (ss_aead_open(&s->open, in, SEALED_LENGTH, length) == -1)
        return fail(conn, "authentication error");
    unsigned len = (unsigned)length[0] << 8 | length[1];
    /* Peers refuse empty chunks too; the upper two bits are reserved and must be zero. */
    if (len == 0 || len > SS_AEAD_CHUNK_MAX)
        return fail(conn, "invalid chunk length");
    s->chunk_len = (uint16_t)len;
    ssp_skip(io, SEALED_LENGTH);
    return SSP_OK;
}

/* Only a verified payload proves that the salt is the peer's: a replay of a part of a stream must
 * not mark the salt of the stream as used. */
static bool repeated(ssp_conn *conn, struct aead_state *s)
{
    const struct ss_aead_conf *conf = ssp_conn_conf(conn);
    bool first = !s->verified;
    s->verified = true;
    return first && conf->replay != NULL && !ss_replay_add(conf->replay, s->mark);
}

static ssp_verdict read_payload(ssp_conn *conn, struct aead_state *s, ssp_io *io)
{
    size_t n, size = (size_t)s->chunk_len + SS_TAG_LEN;
    const uint8_t *in = ssp_in(io, &n);
    if (n < size)
        return await(conn, s, io, size);
    uint8_t *out = ssp_room(io, s->chunk_len);
    if (out == NULL)
        return fail(conn, "no room");
    if (ss_aead_open(&s->open, in, size, out) == -1)
        return fail(conn, "authentication error");
    if (repeated(conn, s)) {
        sodium_memzero(out, s->chunk_len);
        return fail(conn, "repeat salt detected");
    }
    ssp_used(io, s->chunk_len);
    ssp_skip(io, size);
    s->chunk_len = 0;
    return SSP_OK;
}

static ssp_verdict unwrap(ssp_conn *conn, void *state, ssp_io *io)
{
    struct aead_state *s = state;
    ssp_verdict verdict = SSP_OK;
    /* Each step has room for any chunk; without it, the next call goes on. */
    while (verdict == SSP_OK && ssp_room(io, SS_AEAD_CHUNK_MAX) != NULL) {
        if (s->open.cipher == NULL)
            verdict = read_salt(conn, s, io);
        else if (s->chunk_len == 0)
            verdict = read_length(conn, s, io);
        else
            verdict = read_payload(conn, s, io);
    }
    return verdict;
}

static void wipe(ssp_conn *conn, void *state)
{
    (void)conn;
    struct aead_state *s = state;
    ss_aead_wipe(&s->seal);
    ss_aead_wipe(&s->open);
    sodium_memzero(s, sizeof *s);
}

const ssp_codec ss_aead_codec = {
    .size = sizeof(ssp_codec),
    .name = "shadowsocks",
    .version = "2017",
    .about = "Shadowsocks AEAD stream",
    .conf_size = sizeof(struct ss_aead_conf),
    .state_size = sizeof(struct aead_state),
    .min_room = MIN_ROOM,
    .wrap = wrap,
    .unwrap = unwrap,
    .close = wipe,
};
