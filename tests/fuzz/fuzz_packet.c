/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a packet: opened or refused with a reason, never read or written past the end.  The
 * same bytes sealed by us: opened again they are the same, and only once.  The same bytes with
 * a target, as they are opened and as a datagram of a SOCKS5 client: the payload is theirs.
 *
 * Input: method, packet.  Main key and our salt are zero.
 */
#include "contexts.h"
#include "must.h"

#include "base/io.h"
#include "crypto/key.h"
#include "proto/aead.h"
#include "proto/packet.h"
#include "proto/socks.h"
#include "proto/target.h"

#include <stdlib.h>
#include <string.h>

enum { REMEMBERED = 16, INPUT_MAX = 2048 };

/* Memory of exactly n bytes. */
static uint8_t *exactly(size_t n)
{
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    must(bytes != NULL);
    return bytes;
}

static uint8_t *copy(const uint8_t *bytes, size_t n)
{
    uint8_t *own = exactly(n);
    if (n > 0)
        memcpy(own, bytes, n);
    return own;
}

static size_t overhead_of(const ssp_conn *conn)
{
    const struct ss_aead_conf *conf = conn->conf;
    return (size_t)conf->cipher->salt_len + SS_TAG_LEN;
}

/* Runs a step with a room of cap bytes that the caller frees. */
static int run(ssp__packet_step *step, const ssp_conn *conn, struct ssp__packet_io *p, size_t cap)
{
    struct ss_aead aead = {.cipher = NULL};
    p->conn = conn;
    p->scratch = &aead;
    p->room = exactly(cap);
    p->cap = cap;
    int rc = step(p);
    must(rc == 0 || p->why != NULL);
    ss_aead_packets.release(&aead);
    return rc;
}

static void is_refused_or_opened(const ssp_conn *conn, uint8_t *in, size_t n)
{
    size_t cap = n > overhead_of(conn) ? n - overhead_of(conn) : 0;
    struct ssp__packet_io p = {.bytes = in, .len = n};
    if (run(ss_aead_packets.open, conn, &p, cap) == 0)
        must(p.bytes == p.room && p.len == cap);
    free(p.room);
}

static void comes_back_once(struct ss_aead_conf *conf, const ssp_conn *conn, uint8_t *plain,
                            size_t n)
{
    struct ssp__packet_io p = {.bytes = plain, .len = n};
    must(run(ss_aead_packets.seal, conn, &p, n + overhead_of(conn)) == 0);
    must(p.bytes == p.room && p.len == n + overhead_of(conn));
    conf->replay = ss_replay_new(REMEMBERED);
    struct ssp__packet_io once = {.bytes = p.bytes, .len = p.len}, again = once;
    must(run(ss_aead_packets.open, conn, &once, n) == 0);
    must(once.len == n && (n == 0 || memcmp(once.bytes, plain, n) == 0));
    must(run(ss_aead_packets.open, conn, &again, n) == -1);
    ss_replay_free(conf->replay);
    free(p.room);
    free(once.room);
    free(again.room);
}

/* A front takes from the beginning and leaves the end. */
static void leaves_the_payload(const struct ssp__packet_front *front, const uint8_t *in, size_t n)
{
    uint8_t *own = copy(in, n);
    struct ssp__packet_io p = {.bytes = own, .len = n};
    int rc = front->asked(&p);
    must(rc == 0 || p.why != NULL);
    must(rc == -1 || p.bytes + p.len == own + n);
    free(own);
}

static void judge(struct ss_contexts *contexts, unsigned cipher, const uint8_t *packet, size_t n)
{
    struct ss_aead_conf conf = {.cipher = &ss_ciphers[cipher], .contexts = contexts};
    const ssp_conn conn = {.conf = &conf};
    uint8_t *own = copy(packet, n);
    is_refused_or_opened(&conn, own, n);
    comes_back_once(&conf, &conn, own, n);
    leaves_the_payload(&ss_target_packet_front, own, n);
    leaves_the_payload(&ss_socks_packet_front, own, n);
    free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX || data[0] >= SS_CIPHERS)
        return 0;
    for (unsigned i = 0; i < FUZZ_ENGINES; i++)
        if (contexts_of(i) != NULL)
            judge(contexts_of(i), data[0], data + 1, size - 1);
    return 0;
}
