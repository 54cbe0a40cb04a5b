/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/packet.h"

#include "crypto/key.h"
#include "proto/aead.h"

static int refuse(struct ssp__packet_io *p, const char *why)
{
    p->why = why;
    return -1;
}

/* Remembers the salt.  Returns false when it is known. */
static bool fresh(const struct ss_aead_conf *conf, const uint8_t *salt)
{
    struct ss_replay *replay = conf->replay;
    return replay == NULL ||
           ss_replay_add(replay, ss_replay_mark(replay, salt, conf->cipher->salt_len));
}

/* Remembers its salt, so that our packet is refused when it is sent back to us. */
static int seal(struct ssp__packet_io *p)
{
    const struct ss_aead_conf *conf = ssp_conn_conf(p->conn);
    size_t salt_len = conf->cipher->salt_len;
    struct ss_aead *aead = p->scratch;
    if (p->cap < salt_len + p->len + SS_TAG_LEN)
        return refuse(p, "too long");
    ssp_conn_random(p->conn, p->room, salt_len);
    (void)fresh(conf, p->room);
    int rc = ss_key_next(aead, conf->cipher, conf->contexts, conf->key, p->room);
    if (rc == 0)
        rc = ss_aead_seal(aead, p->bytes, p->len, p->room + salt_len);
    p->bytes = p->room;
    p->len += salt_len + SS_TAG_LEN;
    return rc == 0 ? 0 : refuse(p, "encryption error");
}

static int open(struct ssp__packet_io *p)
{
    const struct ss_aead_conf *conf = ssp_conn_conf(p->conn);
    size_t salt_len = conf->cipher->salt_len, overhead = salt_len + SS_TAG_LEN;
    const uint8_t *salt = p->bytes;
    struct ss_aead *aead = p->scratch;
    if (p->len < overhead)
        return refuse(p, "packet too short");
    if (p->cap < p->len - overhead)
        return refuse(p, "too long");
    if (ss_key_next(aead, conf->cipher, conf->contexts, conf->key, salt) == -1)
        return refuse(p, "out of memory");
    if (ss_aead_open(aead, salt + salt_len, p->len - salt_len, p->room) == -1)
        return refuse(p, "authentication error");
    /* Only now is the salt known to be the peer's. */
    if (!fresh(conf, salt))
        return refuse(p, "repeat salt detected");
    p->bytes = p->room;
    p->len -= overhead;
    return 0;
}

static void release(void *scratch)
{
    ss_aead_wipe(scratch);
}

const struct ssp__packets ss_aead_packets = {.name = "shadowsocks",
                                             .scratch_size = sizeof(struct ss_aead),
                                             .authentic = true,
                                             .open = open,
                                             .seal = seal,
                                             .release = release};
