/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks.h - the client's data path: how a transport program is asked for a connection.
 *
 * SOCKS5 (RFC 1928) with the arguments as user name and password (RFC 1929), or SOCKS4A with the
 * arguments as user id.  One step at a time, each after the answer to the one before, and no byte
 * of the user's before the last answer: transports refuse what comes early.  Clear after that.
 *
 * A connection stands with the first byte from the server: some transports answer before they have
 * tried.  Of several servers one is asked for until a connection to it does not come to stand;
 * those that follow ask for the next.
 */
#ifndef PT_WRAP_SOCKS_H
#define PT_WRAP_SOCKS_H

#include <ssplugin/codec.h>

struct pt_servers;

struct pt_socks_conf {
    const char *hosts, *port; /* what is to be reached: the other ends of the transport */
    const char *args;         /* as pt_args_socks() writes them; NULL: none */
    int socks4;
    int patience_s; /* a server that has said nothing for so long is to blame; 0: none is */

    struct pt_servers *servers; /* owned; made by setup */
};

extern const ssp_codec pt_socks;

#endif
