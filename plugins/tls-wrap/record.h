/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - TLS records (RFC 8446, 5.1) on their way between a view and OpenSSL.
 */
#ifndef TLS_WRAP_RECORD_H
#define TLS_WRAP_RECORD_H

#include <ssplugin/codec.h>

#include <openssl/bio.h>

enum {
    TLS_HEADER_LEN = 5,
    TLS_PLAIN_MAX = 16384,
    TLS_RECORD_MAX = TLS_HEADER_LEN + TLS_PLAIN_MAX + 2048 /* the expansion of TLS 1.2 */
};

/* The buffers that a call of the codec lends to OpenSSL. */
struct tls_flow {
    ssp_io *io;
    ssp_dir dir;     /* of io: records from OpenSSL are output when wrapping, else a reply */
    size_t readable; /* bytes at the front of io's input that OpenSSL may consume */
};

/* The length of the record at wire, header included; TLS_HEADER_LEN while that has not come; or
 * SSP_NPOS when no record begins like this. */
size_t tls_record_length(const uint8_t *wire, size_t len);

/* The functions of a BIO whose data is a struct tls_flow.  NULL when memory is out. */
BIO_METHOD *tls_flow_method(void);

#endif
