/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - one port for SOCKS4, SOCKS4a, SOCKS5 and HTTP: the first byte of a client decides.
 *
 * The configuration is a struct ss_entrance, or NULL.
 */
#ifndef SS_HTTP_DOOR_H
#define SS_HTTP_DOOR_H

#include "base/front.h"

extern const struct ssp__front ss_door_front;

/* The same where UDP is relayed at the address that the client reached. */
extern const struct ssp__front ss_door_udp_front;

#endif
