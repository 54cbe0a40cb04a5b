/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extensions.h - what our hosts and plugins agree on beyond SIP003.  Others ignore it.
 */
#ifndef SSP_CONTRACT_EXTENSIONS_H
#define SSP_CONTRACT_EXTENSIONS_H

/* The text by which a plugin says, anywhere in its file, that it takes a listening socket from its
 * host.  Programs made with ssp_main() contain it. */
#define SSP_TAKES_LISTEN_FDS "SIP003-PLUGIN-TAKES:LISTEN_FDS"

/* The listening socket that the host has handed to process pid by LISTEN_FDS and LISTEN_PID, or
 * -1. */
int ssp_listen_fd(long pid);

#endif
