/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far_end.h - the socket at the other end of a connection within this machine.
 */
#ifndef SSP_NET_FAR_END_H
#define SSP_NET_FAR_END_H

#include <stdbool.h>

/* True while a process has it open.  Asked of the kernel (sock_diag): the state of our own socket
 * tells later, once the end of the other one has come, which may be behind bytes.  False too where
 * the kernel does not answer. */
bool ssp__far_end_held(int fd);

#endif
