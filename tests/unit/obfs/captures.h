/* SPDX-License-Identifier: Apache-2.0 */
/*
 * captures.h - first flights as other programs send them.
 *
 * stock_*: taken on loopback from obfs-local and obfs-server 0.0.5 (Debian 0.0.5-6) with the
 * options obfs=http or obfs=tls, and obfs-host=www.bing.com; remote port 44171 in http mode.  The
 * client said "HELLO0", then "second flight"; the server said "WORLD0", then "second reply".
 * go_http_request: the header order and key alphabet of clients that use Go's net/http.
 * openssl_hello: openssl 3.0 s_client -servername www.example.com.
 */
#ifndef OBFS_CAPTURES_H
#define OBFS_CAPTURES_H

#include <stddef.h>
#include <stdint.h>

struct capture {
    const uint8_t *bytes;
    size_t len;
};

extern const struct capture stock_http_request, stock_http_answer;
extern const struct capture go_http_request;
extern const struct capture stock_tls_hello, stock_tls_client_record;
extern const struct capture stock_tls_answer, stock_tls_server_record;
extern const struct capture openssl_hello;

#endif
