/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/record.h"

#include <string.h>

enum {
    FIRST_TYPE = 20, /* ChangeCipherSpec, Alert, Handshake, ApplicationData */
    LAST_TYPE = 23,
    MAJOR_VERSION = 3,
    REPLY_MAX = 16384
};

size_t tls_record_length(const uint8_t *wire, size_t len)
{
    if (len > 0 && (wire[0] < FIRST_TYPE || wire[0] > LAST_TYPE))
        return SSP_NPOS;
    if (len > 1 && wire[1] != MAJOR_VERSION)
        return SSP_NPOS;
    if (len < TLS_HEADER_LEN)
        return TLS_HEADER_LEN;
    size_t total = TLS_HEADER_LEN + ((size_t)wire[3] << 8 | wire[4]);
    return total <= TLS_RECORD_MAX ? total : SSP_NPOS;
}

static int flow_read(BIO *bio, char *out, size_t size, size_t *n)
{
    struct tls_flow *flow = BIO_get_data(bio);
    size_t len;
    const uint8_t *in = ssp_in(flow->io, &len);
    BIO_clear_retry_flags(bio);
    *n = size < flow->readable ? size : flow->readable;
    if (*n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, in, *n);
    ssp_skip(flow->io, *n);
    flow->readable -= *n;
    return 1;
}

static void reply(ssp_io *io, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t part = n < REPLY_MAX ? n : REPLY_MAX;
        ssp_reply(io, bytes, part);
        bytes += part;
        n -= part;
    }
}

static int flow_write(BIO *bio, const char *bytes, size_t size, size_t *n)
{
    struct tls_flow *flow = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (flow->dir == SSP_WRAP)
        ssp_put(flow->io, bytes, size);
    else
        reply(flow->io, bytes, size);
    *n = size;
    return 1;
}

static long flow_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Without an index of its own, of which a process has 127, and reloading would use them up. */
BIO_METHOD *tls_flow_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "view");
    if (method == NULL)
        return NULL;
    (void)BIO_meth_set_read_ex(method, flow_read);
    (void)BIO_meth_set_write_ex(method, flow_write);
    (void)BIO_meth_set_ctrl(method, flow_control);
    return method;
}
