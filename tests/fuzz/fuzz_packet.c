/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a packet: opened or refused with a reason, never read or written past the end.  The
 * same bytes sealed by us: opened again they are the same, and only once.  The same bytes as a
 * datagram of a SOCKS5 client: the payload is theirs.
 *
 * Input: method, packet.  Main key and our salt are zero.
 */
#include "must.h"

#include "proto/packet.h"

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

static int open_packet(const struct ss_aead_conf *conf, const uint8_t *in, size_t n, uint8_t *out)
{
    struct ss_packet packet = {.why = NULL};
    int rc = ss_packet_open(&packet, conf, (struct ss_span){in, n}, out);
    must(rc == 0 || packet.why != NULL);
    must(rc == -1 || packet.payload + packet.len == out + n - ss_packet_overhead(conf->cipher));
    return rc;
}

static void is_refused_or_opened(const struct ss_aead_conf *conf, const uint8_t *in, size_t n)
{
    size_t overhead = ss_packet_overhead(conf->cipher);
    uint8_t *out = exactly(n > overhead ? n - overhead : 0);
    (void)open_packet(conf, in, n, out);
    free(out);
}

static void comes_back_once(struct ss_aead_conf *conf, const uint8_t *plain, size_t n)
{
    static const uint8_t salt[SS_SALT_MAX];
    size_t sealed_len = n + ss_packet_overhead(conf->cipher);
    uint8_t *sealed = exactly(sealed_len), *out = exactly(n);
    must(ss_packet_seal(conf, salt, (struct ss_span){plain, n}, sealed) == 0);
    conf->replay = ss_replay_new(REMEMBERED);
    (void)open_packet(conf, sealed, sealed_len, out);
    must(n == 0 || memcmp(out, plain, n) == 0);
    must(open_packet(conf, sealed, sealed_len, out) == -1);
    ss_replay_free(conf->replay);
    free(sealed);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX || ss_cipher_at(data[0]) == NULL)
        return 0;
    struct ss_aead_conf conf = {.cipher = ss_cipher_at(data[0])};
    struct ss_packet packet;
    is_refused_or_opened(&conf, data + 1, size - 1);
    comes_back_once(&conf, data + 1, size - 1);
    if (ss_packet_read_socks(&packet, data + 1, size - 1) == 0)
        must(packet.payload + packet.len == data + size);
    return 0;
}
