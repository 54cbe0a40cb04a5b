/* SPDX-License-Identifier: Apache-2.0 */
#include "app/dialing.h"

/* Returns NULL when text is not an address. */
static const struct ssp__address *parsed(struct ssp__address *a, const char *text)
{
    return text != NULL && ssp__address_parse(a, text, 0) == 0 ? a : NULL;
}

struct ssp__socket_options ss_dialing_options(struct ss_dialing *d, const struct ss_conf *c)
{
    return (struct ssp__socket_options){.fast_open = c->fast_open,
                                        .mptcp = c->mptcp,
                                        .keep_alive_s = c->keep_alive_s,
                                        .user_timeout_s = c->tcp_user_timeout_s,
                                        .sndbuf = c->tcp_outgoing_sndbuf,
                                        .rcvbuf = c->tcp_outgoing_rcvbuf,
                                        .interface = c->interface,
                                        .fwmark = c->fwmark,
                                        .bind_v4 = parsed(&d->bind_v4, c->local_ipv4_address),
                                        .bind_v6 = parsed(&d->bind_v6, c->local_ipv6_address)};
}
