/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/packet.h"

#include "proto/target.h"

#include <string.h>

enum { IPV4 = 1, IPV6 = 4 };

size_t ss_packet_overhead(const struct ss_cipher *cipher)
{
    return (size_t)cipher->salt_len + SS_TAG_LEN;
}

/* Remembers the salt.  Returns false when it is known. */
static bool fresh(const struct ss_aead_conf *conf, const uint8_t *salt)
{
    struct ss_replay *replay = conf->replay;
    return replay == NULL ||
           ss_replay_add(replay, ss_replay_mark(replay, salt, conf->cipher->salt_len));
}

int ss_packet_seal(const struct ss_aead_conf *conf, const uint8_t *salt, struct ss_span plain,
                   uint8_t *out)
{
    struct ss_aead a;
    memcpy(out, salt, conf->cipher->salt_len);
    (void)fresh(conf, salt);
    int rc = ss_key_start(&a, conf->cipher, conf->key, salt);
    if (rc == 0)
        rc = ss_aead_seal(&a, plain.bytes, plain.len, out + conf->cipher->salt_len);
    ss_aead_wipe(&a);
    return rc;
}

static int refuse(struct ss_packet *packet, const char *why)
{
    packet->why = why;
    return -1;
}

/* Reads header and payload. */
static int read_plain(struct ss_packet *packet, const uint8_t *plain, size_t n)
{
    size_t size;
    ssp_verdict verdict = ss_target_parse(&packet->target, plain, n, &size, &packet->why);
    if (verdict == SSP_MORE)
        return refuse(packet, "target header cut");
    if (verdict != SSP_OK)
        return -1;
    packet->payload = plain + size;
    packet->len = n - size;
    return 0;
}

int ss_packet_open(struct ss_packet *packet, const struct ss_aead_conf *conf, struct ss_span in,
                   uint8_t *out)
{
    struct ss_aead a;
    size_t salt_len = conf->cipher->salt_len;
    if (in.len < ss_packet_overhead(conf->cipher))
        return refuse(packet, "packet too short");
    if (ss_key_start(&a, conf->cipher, conf->key, in.bytes) == -1)
        return refuse(packet, "out of memory");
    int rc = ss_aead_open(&a, in.bytes + salt_len, in.len - salt_len, out);
    ss_aead_wipe(&a);
    if (rc == -1)
        return refuse(packet, "authentication error");
    /* Only now is the salt known to be the peer's. */
    if (!fresh(conf, in.bytes))
        return refuse(packet, "repeat salt detected");
    return read_plain(packet, out, in.len - ss_packet_overhead(conf->cipher));
}

size_t ss_packet_put_source(uint8_t *payload, const struct ssp__address *source)
{
    bool v4 = source->u.any.sa_family == AF_INET;
    const void *address = v4 ? (const void *)&source->u.v4.sin_addr : &source->u.v6.sin6_addr;
    size_t n = v4 ? sizeof source->u.v4.sin_addr : sizeof source->u.v6.sin6_addr;
    uint16_t port = ssp__address_port(source);
    uint8_t *header = payload - 1 - n - 2;
    header[0] = v4 ? IPV4 : IPV6;
    memcpy(header + 1, address, n);
    header[1 + n] = (uint8_t)(port >> 8);
    header[1 + n + 1] = (uint8_t)port;
    return (size_t)(payload - header);
}

int ss_packet_read_socks(struct ss_packet *packet, const uint8_t *in, size_t n)
{
    if (n < SS_SOCKS_PREFIX)
        return refuse(packet, "packet too short");
    if (in[2] != 0)
        return refuse(packet, "fragmented");
    return read_plain(packet, in + SS_SOCKS_PREFIX, n - SS_SOCKS_PREFIX);
}
