/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/stream.h"

#include <openssl/evp.h>
#include <string.h>

enum { ALERT_LEN = 26 }; /* of an encrypted one of TLS 1.2 */

/* ---- keys ---- */

static EVP_MAC_CTX *begin_tag(const EVP_MAC_CTX *key, const struct stls_answer *answer,
                              const char *suffix)
{
    EVP_MAC_CTX *mac = stls_tag_fork(key);
    if (mac != NULL && stls_tag_feed(mac, answer->random, sizeof answer->random) &&
        stls_tag_feed(mac, suffix, strlen(suffix)))
        return mac;
    stls_tag_free(mac);
    return NULL;
}

static bool make_pad(uint8_t pad[STLS_PAD_LEN], const char *password,
                     const struct stls_answer *answer)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool made = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(hash, password, strlen(password)) == 1 &&
                EVP_DigestUpdate(hash, answer->random, sizeof answer->random) == 1 &&
                EVP_DigestFinal_ex(hash, pad, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return made;
}

bool stls_stream_begin(struct stls_stream *s, const char *password, const EVP_MAC_CTX *key,
                       ssp_role role, const struct stls_answer *answer)
{
    bool client = role == SSP_CLIENT;
    s->tls13 = answer->tls13;
    s->site = begin_tag(key, answer, "");
    s->send = begin_tag(key, answer, client ? "C" : "S");
    s->receive = begin_tag(key, answer, client ? "S" : "C");
    return s->site != NULL && s->send != NULL && s->receive != NULL &&
           make_pad(s->pad, password, answer);
}

void stls_stream_end_site(struct stls_stream *s)
{
    stls_tag_free(s->site);
    s->site = NULL;
}

void stls_stream_release(struct stls_stream *s)
{
    stls_stream_end_site(s);
    stls_tag_free(s->send);
    stls_tag_free(s->receive);
    explicit_bzero(s, sizeof *s);
}

/* ---- records of the site ---- */

void stls_stream_pad(const struct stls_stream *s, const uint8_t *from, uint8_t *to, size_t n)
{
    size_t at = 0;
    for (; n - at >= STLS_PAD_LEN; at += STLS_PAD_LEN) {
        for (size_t i = 0; i < STLS_PAD_LEN; i++)
            to[at + i] = from[at + i] ^ s->pad[i];
    }
    for (size_t i = 0; at + i < n; i++)
        to[at + i] = from[at + i] ^ s->pad[i];
}

bool stls_stream_site_tag(struct stls_stream *s, const uint8_t *bytes, size_t n,
                          uint8_t tag[STLS_TAG_LEN])
{
    return stls_tag_feed(s->site, bytes, n) && stls_tag_take(s->site, tag);
}

/* ---- data ---- */

static ssp_verdict out_of_memory(ssp_conn *conn)
{
    ssp_conn_why(conn, "shadow-tls: out of memory");
    return SSP_FAIL;
}

/* The next tag of a direction, which goes on from it. */
static bool next_tag(EVP_MAC_CTX *mac, const uint8_t *data, size_t n, uint8_t tag[STLS_TAG_LEN])
{
    return stls_tag_feed(mac, data, n) && stls_tag_take(mac, tag) &&
           stls_tag_feed(mac, tag, STLS_TAG_LEN);
}

bool stls_stream_expects(const struct stls_stream *s, const uint8_t *record, size_t n)
{
    uint8_t tag[STLS_TAG_LEN];
    if (n <= STLS_PREFIX_LEN || record[0] != STLS_DATA)
        return false;
    EVP_MAC_CTX *probe = stls_tag_fork(s->receive);
    bool same = probe != NULL &&
                stls_tag_feed(probe, record + STLS_PREFIX_LEN, n - STLS_PREFIX_LEN) &&
                stls_tag_take(probe, tag) && stls_tag_same(tag, record + STLS_HEADER_LEN);
    stls_tag_free(probe);
    return same;
}

static void write_header(uint8_t *at, uint8_t type, size_t n)
{
    at[0] = type;
    at[1] = at[2] = 3;
    at[3] = (uint8_t)(n >> 8);
    at[4] = (uint8_t)n;
}

static void write_alert(const ssp_conn *conn, uint8_t alert[STLS_HEADER_LEN + ALERT_LEN])
{
    write_header(alert, STLS_ALERT, ALERT_LEN);
    ssp_conn_random(conn, alert + STLS_HEADER_LEN, ALERT_LEN);
}

/* TLS 1.3 would have an encrypted alert, which no peer expects. */
static ssp_verdict end_wrap(const ssp_conn *conn, const struct stls_stream *s, ssp_io *io)
{
    uint8_t alert[STLS_HEADER_LEN + ALERT_LEN];
    if (!s->tls13) {
        write_alert(conn, alert);
        ssp_put(io, alert, sizeof alert);
    }
    return SSP_END;
}

ssp_verdict stls_stream_wrap(ssp_conn *conn, struct stls_stream *s, ssp_io *io)
{
    size_t len;
    const uint8_t *plain = ssp_in(io, &len);
    if (len == 0)
        return ssp_eof(io) ? end_wrap(conn, s, io) : SSP_MORE;
    uint8_t *room = ssp_room(io, STLS_PREFIX_LEN);
    if (room == NULL)
        return SSP_OK;
    if (len > STLS_PAYLOAD_MAX)
        len = STLS_PAYLOAD_MAX;
    write_header(room, STLS_DATA, len + STLS_TAG_LEN);
    if (!next_tag(s->send, plain, len, room + STLS_HEADER_LEN))
        return out_of_memory(conn);
    ssp_used(io, STLS_PREFIX_LEN);
    ssp_pass(io, len);
    return SSP_OK;
}

static ssp_verdict refuse(ssp_conn *conn, const struct stls_stream *s, ssp_io *io, const char *why)
{
    uint8_t alert[STLS_HEADER_LEN + ALERT_LEN];
    if (!s->tls13) {
        write_alert(conn, alert);
        ssp_reply(io, alert, sizeof alert);
    }
    ssp_conn_why(conn, "shadow-tls: %s", why);
    return SSP_FAIL;
}

static bool known(const uint8_t *wire, size_t len)
{
    return (wire[0] == STLS_DATA || wire[0] == STLS_ALERT) && (len < 2 || wire[1] == 3) &&
           (len < 3 || wire[2] == 3);
}

ssp_verdict stls_stream_unwrap(ssp_conn *conn, struct stls_stream *s, ssp_io *io)
{
    size_t len;
    uint8_t tag[STLS_TAG_LEN];
    const uint8_t *wire = ssp_in(io, &len);
    if (len == 0)
        return SSP_MORE;
    if (!known(wire, len))
        return refuse(conn, s, io, "a record of another kind among the data");
    size_t record = STLS_HEADER_LEN;
    if (len >= STLS_HEADER_LEN)
        record += (size_t)wire[3] << 8 | wire[4];
    if (len < record) {
        ssp_need(io, record);
        return SSP_MORE;
    }
    if (wire[0] == STLS_ALERT) {
        ssp_skip(io, record);
        return SSP_END;
    }
    if (record < STLS_PREFIX_LEN)
        return refuse(conn, s, io, "a record without a tag");
    size_t data = record - STLS_PREFIX_LEN;
    if (!next_tag(s->receive, wire + STLS_PREFIX_LEN, data, tag))
        return out_of_memory(conn);
    if (!stls_tag_same(tag, wire + STLS_HEADER_LEN))
        return refuse(conn, s, io, "a record with a wrong tag");
    ssp_skip(io, STLS_PREFIX_LEN);
    ssp_pass(io, data);
    return SSP_OK;
}
