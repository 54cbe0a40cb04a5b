/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - where requests come in: a UNIX datagram socket of this user alone, or UDP on loopback.
 */
#ifndef SS_APP_MANAGER_SOCKET_H
#define SS_APP_MANAGER_SOCKET_H

#include "app/rendezvous.h"

struct ss_manager_socket;

/* A request of a sender that is allowed to.  The bytes are the callee's to overwrite. */
typedef void ss_datagram_fn(void *arg, const struct ss_rendezvous *sender, char *bytes, size_t len);

/* Receives at text (borrowed), a path or host:port.  owner is the user that the process becomes;
 * -1: the one that it has.  NULL after a log line. */
struct ss_manager_socket *ss_manager_socket_open(struct ssp__program *program, const char *text,
                                                 uid_t owner, ss_datagram_fn *fn, void *arg);

/* Removes the path, too.  Accepts NULL. */
void ss_manager_socket_close(struct ss_manager_socket *s);

/* True for a path: the kernel tells the user of each sender. */
bool ss_manager_socket_knows_users(const struct ss_manager_socket *s);

/* An answer that cannot be sent at once is lost, as any datagram may be. */
void ss_manager_socket_answer(const struct ss_manager_socket *s, const struct ss_rendezvous *to,
                              const char *text, size_t len);

#endif
