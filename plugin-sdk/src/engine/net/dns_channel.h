/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_channel.h - c-ares in the loop, with the name servers that resolv.conf has now.
 */
#ifndef SSP_NET_DNS_CHANNEL_H
#define SSP_NET_DNS_CHANNEL_H

#include "base/address.h"
#include "net/loop.h"
#include "net/search_list.h"
#include "net/socket.h"

enum { SSP_ADDRESSES_MAX = 16 };

struct ssp__dns_channel;

/* servers is a comma list; NULL: those of the file resolv_conf.  NULL with a sentence in why when
 * the list does not parse. */
struct ssp__dns_channel *ssp__dns_channel_new(ssp_loop *loop, const char *servers,
                                              const char *resolv_conf, const char **why);

/* Accepts NULL.  Open questions are answered with SSP_DNS_CLOSED. */
void ssp__dns_channel_free(struct ssp__dns_channel *channel);

/* See ssp__resolver_sockets(). */
void ssp__dns_channel_sockets(struct ssp__dns_channel *channel,
                              const struct ssp__socket_options *o);

/* Reads the servers of resolv.conf again when the file has changed. */
void ssp__dns_channel_refresh(struct ssp__dns_channel *channel);

/* The search list for short names. */
const struct ssp__search_list *ssp__dns_channel_search(const struct ssp__dns_channel *channel);

/* How a question ended; only the first brings addresses. */
enum ssp__dns_status {
    SSP_DNS_FOUND,
    SSP_DNS_NONE,   /* the servers have no such name, or no such address */
    SSP_DNS_FAILED, /* no server answered, or the name cannot be asked for */
    SSP_DNS_CLOSED
};

/* addresses is borrowed for the call, why is static. */
typedef void ssp__dns_answer_fn(void *arg, enum ssp__dns_status status,
                                const struct ssp__address *addresses, unsigned n, const char *why);

struct ssp__dns_question {
    const char *name; /* absolute */
    int family;
    uint16_t port; /* of the addresses found */
    ssp__dns_answer_fn *on_answer;
    void *arg;
};

/* Asks, and asks again when the servers change meanwhile.  The answer may come within the call. */
void ssp__dns_channel_ask(struct ssp__dns_channel *channel,
                          const struct ssp__dns_question *question);

#endif
