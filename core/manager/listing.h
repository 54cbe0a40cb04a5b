/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - the answers of ss-manager to list and ping, in as many datagrams as they need.
 */
#ifndef SS_MANAGER_LISTING_H
#define SS_MANAGER_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UDP takes no more, and an answer may be sealed (seal.h). */
enum { SS_LISTING_MAX = 65507 - 40 };

typedef void ss_listing_fn(void *arg, const char *text, size_t len);

struct ss_listing {
    ss_listing_fn *send;
    void *arg; /* borrowed */
    const char *end;
    size_t len;
    bool begun; /* an item has been written */
    char text[SS_LISTING_MAX];
};

/* The answer to ping: the bytes of each port. */
void ss_listing_begin_bytes(struct ss_listing *l, ss_listing_fn *send, void *arg);
void ss_listing_bytes(struct ss_listing *l, uint16_t port, uint64_t bytes);

/* The answer to list. */
void ss_listing_begin_ports(struct ss_listing *l, ss_listing_fn *send, void *arg);
void ss_listing_port(struct ss_listing *l, uint16_t port, const char *password, const char *method);

/* Sends the last datagram, and wipes. */
void ss_listing_end(struct ss_listing *l);

/* Writes the report of one port as shadowsocks-libev sends it, but for the NUL at its end, which a
 * manager of shadowsocks-rust refuses.  Returns its length. */
enum { SS_REPORT_MAX = 48 };
size_t ss_listing_report(char out[SS_REPORT_MAX], uint16_t port, uint64_t bytes);

#endif
