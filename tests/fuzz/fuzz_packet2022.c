/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a packet of 2022, and as the body of one, sealed under a known key: opened or
 * refused with a reason, never read or written past the end, and never taken a second time.
 *
 * Input: method, role, then 16 bytes of session and number, then the body.
 */
#include "must.h"

#include "base/io.h"
#include "crypto/block.h"
#include "proto/aead2022.h"
#include "proto/packet2022.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_LEN = 2, NUMBERS_LEN = 16, NONCE_LEN = 24, INPUT_MAX = 2048 };

static void *fresh(size_t n)
{
    void *memory = calloc(1, n > 0 ? n : 1);
    must(memory != NULL);
    return memory;
}

struct end {
    ssp_conn conn;
    void *state, *scratch;
};

static int receive(struct end *e, const uint8_t *bytes, size_t n)
{
    struct ssp__packet_key key;
    uint8_t *own = fresh(n), *room = fresh(n);
    if (n > 0)
        memcpy(own, bytes, n);
    struct ssp__packet_io p = {.conn = &e->conn,
                               .state = e->state,
                               .scratch = e->scratch,
                               .bytes = own,
                               .len = n,
                               .room = room,
                               .cap = n};
    bool server = e->conn.role == SSP_SERVER;
    int rc = server ? ss_2022_packets.identify(&p, &key) : 0;
    rc = rc == 0 ? ss_2022_packets.open(&p) : rc;
    must(rc == 0 || p.why != NULL);
    must(rc == -1 || (p.bytes >= room && p.bytes + p.len <= room + n));
    free(own);
    free(room);
    return rc;
}

/* The packet of those numbers and that body.  Returns its length. */
static size_t seal(const struct ss_2022_conf *conf, const uint8_t *numbers, const uint8_t *body,
                   size_t n, uint8_t *out)
{
    bool aes = ss_2022_has_identities(conf->cipher);
    struct ss_block block = {.context = NULL};
    struct ss_aead a;
    uint8_t key[SS_KEY_MAX] = {0}, *plain = fresh(NUMBERS_LEN + n);
    memcpy(plain, numbers, NUMBERS_LEN);
    if (n > 0)
        memcpy(plain + NUMBERS_LEN, body, n);
    size_t skip = aes ? NUMBERS_LEN : 0, at = aes ? NUMBERS_LEN : NONCE_LEN;
    if (aes) {
        ss_2022_session_key(conf, conf->key, numbers, 8, key);
        must(ss_block_key(&block, true, conf->key, conf->cipher->key_len) == 0);
        must(ss_block_run(&block, numbers, out) == 0);
        ss_block_wipe(&block);
    } else {
        memset(out, 0, NONCE_LEN);
    }
    must(ss_aead_start(&a, aes ? conf->cipher : &ss_ciphers[SS_XCHACHA20_POLY1305], conf->contexts,
                       key) == 0);
    if (aes)
        memcpy(a.nonce, numbers + 4, conf->cipher->nonce_len);
    must(ss_aead_seal(&a, plain + skip, NUMBERS_LEN + n - skip, out + at) == 0);
    ss_aead_wipe(&a);
    free(plain);
    return at + NUMBERS_LEN + n - skip + SS_TAG_LEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned ciphers[] = {SS_AES_128_GCM, SS_AES_256_GCM, SS_CHACHA20_POLY1305};
    static uint8_t wire[2 * INPUT_MAX];
    if (size < PREFIX_LEN + NUMBERS_LEN || size > INPUT_MAX || data[0] >= 3 || data[1] > 1)
        return 0;
    struct ss_contexts *contexts = ss_contexts_new();
    must(contexts != NULL);
    const struct ss_2022_conf conf = {.cipher = &ss_ciphers[ciphers[data[0]]],
                                      .contexts = contexts};
    struct end e = {.conn = {.conf = &conf, .role = data[1] == 0 ? SSP_CLIENT : SSP_SERVER},
                    .state = fresh(ss_2022_packets.state_size),
                    .scratch = fresh(ss_2022_packets.scratch_size)};
    const uint8_t *numbers = data + PREFIX_LEN, *body = numbers + NUMBERS_LEN;
    size_t n = size - PREFIX_LEN - NUMBERS_LEN;
    (void)receive(&e, numbers, size - PREFIX_LEN);
    ss_2022_packets.close(e.state); /* as the engine does with what was refused */
    size_t len = seal(&conf, numbers, body, n, wire);
    if (receive(&e, wire, len) == 0)
        must(receive(&e, wire, len) == -1);
    ss_2022_packets.close(e.state);
    ss_2022_packets.release(e.scratch);
    free(e.state);
    free(e.scratch);
    ss_contexts_free(contexts);
    return 0;
}
