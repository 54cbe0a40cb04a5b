/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h - UDP of ss-server and ss-local: packets of clients are opened or sealed, and sent on from
 * the socket of their association.
 */
#ifndef SS_APP_UDP_H
#define SS_APP_UDP_H

#include "app/app.h"

/* True when the configuration asks for UDP, and it may go through the plugin or around it. */
bool ss_udp_wanted(const struct ss_conf *conf);

/* Receives where the program listens for TCP in public, or, on a server, what its plugin sends to
 * the hop; nothing to do when UDP is not wanted.  A hop without a port gets one.  Returns 0, or -1
 * after a log line. */
int ss_udp_open(struct ss_app *app, enum ss_program program);

#endif
