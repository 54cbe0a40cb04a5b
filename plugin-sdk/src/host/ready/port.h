/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - a loopback port for the plugin of a client.
 */
#ifndef SSP_HOST_READY_PORT_H
#define SSP_HOST_READY_PORT_H

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stdint.h>

/* A port of this address that is free now for what the mode needs; 0 when there is none.  Another
 * process may take it before the plugin does: that is noticed later. */
uint16_t ssp__port_free(const char *host, ssp_mode mode);

/* The same with a TCP socket that listens there, for the caller to hand on and close; *port is
 * the one to take, 0 being one of the system's choice, and becomes it.  Returns -1 when that fails.
 * paced: see ssp__loop_paced(). */
int ssp__port_listen(const char *host, ssp_mode mode, bool paced, uint16_t *port);

#endif
