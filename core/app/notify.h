/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - tells a service manager the state of the program (sd_notify(3), without its library).
 */
#ifndef SS_APP_NOTIFY_H
#define SS_APP_NOTIFY_H

/* Sends a state such as "READY=1" to $NOTIFY_SOCKET, if there is one. */
void ss_notify(const char *state);

#endif
