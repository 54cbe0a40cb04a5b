/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h - who listens on a port?  Asked of the kernel (sock_diag and /proc), without a probe.
 */
#ifndef SSP_PROCFS_DIAG_H
#define SSP_PROCFS_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SSP_LISTENERS_MAX = 64 };

enum ssp__transport { SSP_TCP, SSP_UDP };

/* Listening sockets, of any address: for UDP those that are not connected.  Sockets beyond the
 * limit are not noted. */
struct ssp__listeners {
    uint32_t inode[SSP_LISTENERS_MAX];
    uid_t uid[SSP_LISTENERS_MAX];
    unsigned n;
    bool exposed;     /* one is bound to more than a loopback address */
    unsigned waiting; /* connections to them that are not accepted yet */
};

/* Notes all listening sockets on port.  Returns 0, or -1 when the kernel does not answer. */
int ssp__listeners_find(struct ssp__listeners *found, enum ssp__transport transport, uint16_t port);

/* True when a process has one of them open; false too when we may not look. */
bool ssp__listeners_held(const struct ssp__listeners *found, pid_t pid);

/*
 * Names who listens on the port, as in "nginx (pid 812)", or "a process of uid 0" where we may
 * not look. Returns 1, 0 when no process does, -1 when the kernel does not answer; text is "" then.
 */
int ssp__port_owner(enum ssp__transport transport, uint16_t port, char *text, size_t cap);

#endif
