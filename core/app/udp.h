/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h - UDP of an instance: packets of clients are opened or sealed, and sent on from the socket
 * of their association.
 */
#ifndef SS_APP_UDP_H
#define SS_APP_UDP_H

#include "app/instance.h"

/* True when the instance relays packets: its conf and its servers say so. */
bool ss_udp_served(const struct ss_instance *instance);

/* Receives on every endpoint and logs `line` with each address; nothing to do when UDP is not
 * wanted.  instance->service has the packet codec, the destination and the front.  A port that is 0
 * becomes the kernel's choice.  Returns 0, or -1 after a log line. */
int ss_udp_open(struct ss_instance *instance, struct ssp__endpoint *e, unsigned n,
                const char *line);

#endif
