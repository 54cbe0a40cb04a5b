/* SPDX-License-Identifier: Apache-2.0 */
/* deflate - a connection compressed by zlib: a library with a state of its own, whose output has
 * another length than its input.  A guess at the plain side shows in the length of the wire: take
 * it for what is no secret, or is not compressed beside what others choose. */
#include <ssplugin/ssplugin.h>

#define ZLIB_CONST
#include <zlib.h>

enum { WINDOW_BITS = 13, MEMORY_LEVEL = 6 }; /* 32 KiB for each direction, not 256 */

/* Zeroed before the first call.  libssplugin keeps it where it is, which zlib relies on. */
struct state {
    z_stream out, in;
    int more; /* deflate() has output that did not fit */
};

/* zlib writes into the room that is there.  The rest of the input comes again in the next call. */
static int step(ssp_io *io, z_stream *z, int (*run)(z_stream *, int), int flush)
{
    size_t n, room = ssp_room_left(io);
    const uint8_t *in = ssp_in(io, &n);
    uint8_t *out = ssp_room(io, room);
    z->next_in = in;
    z->avail_in = (uInt)n; /* a window has at most SSP_WINDOW bytes */
    z->next_out = out;
    z->avail_out = (uInt)room;
    int rc = run(z, flush);
    ssp_used(io, room - z->avail_out);
    ssp_skip(io, n - z->avail_in);
    return rc;
}

static ssp_verdict wrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    struct state *s = of_conn;
    size_t n;
    (void)ssp_in(io, &n);
    if (n == 0 && !s->more && !ssp_eof(io))
        return SSP_MORE;
    if (s->out.state == NULL &&
        deflateInit2(&s->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        ssp_conn_why(conn, "out of memory");
        return SSP_FAIL;
    }
    /* Nothing may wait in zlib for more.  The end of the stream is said, so that a connection that
     * was cut is not taken for one that has ended. */
    int rc = step(io, &s->out, deflate, ssp_eof(io) ? Z_FINISH : Z_SYNC_FLUSH);
    s->more = s->out.avail_out == 0;
    return rc == Z_STREAM_END ? SSP_END : SSP_OK;
}

/* The two bytes that begin every stream of zlib. */
static int is_zlib(const uint8_t *in, size_t n)
{
    return (in[0] & 15) == Z_DEFLATED && (n < 2 || (in[0] << 8 | in[1]) % 31 == 0);
}

static ssp_verdict unwrap(ssp_conn *conn, void *of_conn, ssp_io *io)
{
    struct state *s = of_conn;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (s->in.state == NULL && n > 0 && !is_zlib(in, n))
        return SSP_FOREIGN;
    if (s->in.state == NULL && n < 2)
        return ssp_eof(io) ? SSP_FAIL : SSP_MORE;
    if (s->in.state == NULL && inflateInit(&s->in) != Z_OK) {
        ssp_conn_why(conn, "out of memory");
        return SSP_FAIL;
    }
    int rc = step(io, &s->in, inflate, Z_SYNC_FLUSH);
    if (rc == Z_STREAM_END)
        return SSP_END;
    if (rc == Z_BUF_ERROR) /* nothing to read, and nothing left to write */
        return ssp_eof(io) ? SSP_FAIL : SSP_MORE;
    return rc == Z_OK ? SSP_OK : SSP_FAIL;
}

static void end(ssp_conn *conn, void *of_conn)
{
    struct state *s = of_conn;
    (void)conn;
    (void)deflateEnd(&s->out); /* takes one that never began, too */
    (void)inflateEnd(&s->in);
}

const ssp_codec deflate_codec = {
    .size = sizeof(ssp_codec),
    .flags = SSP_LAZY_DIAL,
    .name = "deflate",
    .version = "1.0",
    .about = "compresses by zlib",
    .state_size = sizeof(struct state),
    .wrap = wrap,
    .unwrap = unwrap,
    .close = end,
};

SSP_PLUGIN_MAIN(deflate_codec)
