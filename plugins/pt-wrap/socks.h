/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks.h - the client's data path: requests connections from a transport program.
 *
 * SOCKS5 (RFC 1928) with the arguments as user name and password (RFC 1929), or SOCKS4A with the
 * arguments as user id.  One step at a time, each after the answer to the one before, and no byte
 * of the user before the last answer: transports refuse early bytes.  Clear after that.
 *
 * A connection is established with the first byte from the server, since some transports answer
 * before they have connected.  With several servers, one is requested until a connection to it
 * fails; later connections request the next.
 */
#ifndef PT_WRAP_SOCKS_H
#define PT_WRAP_SOCKS_H

#include <ssplugin/codec.h>

struct pt_servers;

struct pt_socks_conf {
    const char *hosts, *port; /* the targets: the other ends of the transport */
    const char *args;         /* as pt_args_socks() writes them; NULL: none */
    int socks4;
    int patience_s; /* a server that sends nothing for this time has failed; 0: no limit */

    struct pt_servers *servers; /* owned; made by setup */
};

extern const ssp_codec pt_socks;

#endif
