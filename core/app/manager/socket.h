/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - where requests come in: a UNIX datagram socket of this user alone, or UDP on loopback.
 */
#ifndef SS_APP_MANAGER_SOCKET_H
#define SS_APP_MANAGER_SOCKET_H

#include "app/rendezvous.h"
#include "manager/seal.h"

struct ss_manager_socket;

/* The sender of a request.  at.len 0: none. */
struct ss_asker {
    struct ss_rendezvous at;
    uint8_t nonce[SS_SEAL_NONCE]; /* of a sealed request */
};

/* A request of a sender that is allowed to.  The bytes are the callee's to overwrite. */
typedef void ss_datagram_fn(void *arg, const struct ss_asker *sender, char *bytes, size_t len);

struct ss_manager_socket_conf {
    const char *address; /* a path or host:port */
    const char *key;     /* base64; NULL: UDP is on loopback only.  A path does without. */
    uid_t owner;         /* the user that the process becomes */
    ss_datagram_fn *fn;
    void *arg;
};

/* conf's texts are borrowed, the key for the call.  NULL after a log line. */
struct ss_manager_socket *ss_manager_socket_open(struct ssp__program *program,
                                                 const struct ss_manager_socket_conf *conf);

/* Removes the path, too.  Accepts NULL. */
void ss_manager_socket_close(struct ss_manager_socket *s);

/* True when each sender is known to be allowed to run programs as this user: at a path the kernel
 * tells its user, and a seal its key. */
bool ss_manager_socket_trusts(const struct ss_manager_socket *s);

/* An answer that cannot be sent at once is lost, as any datagram may be. */
void ss_manager_socket_answer(const struct ss_manager_socket *s, const struct ss_asker *to,
                              const char *text, size_t len);

#endif
