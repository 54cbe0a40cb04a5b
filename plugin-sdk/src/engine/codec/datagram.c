/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/datagram.h"

bool ssp__datagram_carried(const ssp_codec *codec)
{
    return codec->seal != NULL && codec->open != NULL;
}

/* NOLINTNEXTLINE(readability-function-size): two buffers and their lengths */
ptrdiff_t ssp__datagram_run(const ssp_codec *codec, const ssp_conn *conn, ssp_dir dir,
                            const uint8_t *in, size_t n, uint8_t *out, size_t cap,
                            const char **rule)
{
    ssp_datagram_fn *fn = dir == SSP_WRAP ? codec->seal : codec->open;
    if ((codec->seal == NULL) != (codec->open == NULL))
        *rule = "has seal without open, or open without seal";
    if (!ssp__datagram_carried(codec))
        return -1;
    ptrdiff_t got = fn(conn, in, n, out, cap);
    if (got < 0)
        return -1;
    if ((size_t)got > cap)
        *rule = "writes a datagram beyond its room";
    else if ((size_t)got > n + codec->datagram_overhead)
        *rule = "adds more to a datagram than its datagram_overhead";
    else
        return got;
    return -1;
}

static int run(struct ssp__packet_io *p, ssp_dir dir)
{
    const struct ssp__datagram_conf *own = ssp_conn_conf(p->conn);
    const ssp_conn conn = {.role = p->conn->role, .conf = own->conf, .world = p->conn->world};
    size_t cap = p->len + own->codec->datagram_overhead;
    p->why = "too long";
    if (cap > p->cap)
        return -1;
    long n = ssp__datagram_run(own->codec, &conn, dir, p->bytes, p->len, p->room, cap, &p->rule);
    p->why = "not our protocol";
    p->bytes = p->room;
    p->len = (size_t)n;
    return n < 0 ? -1 : 0;
}

static int seal(struct ssp__packet_io *p)
{
    return run(p, SSP_WRAP);
}

static int open(struct ssp__packet_io *p)
{
    return run(p, SSP_UNWRAP);
}

const struct ssp__packets ssp__datagram_packets = {.name = "codec", .open = open, .seal = seal};
