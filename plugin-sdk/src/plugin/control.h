/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - a unix socket that serves the counters of a plugin, subject to file permissions.
 *
 * The file belongs to one process: that of a dead process is replaced, any other file stays.
 */
#ifndef SSP_PLUGIN_CONTROL_H
#define SSP_PLUGIN_CONTROL_H

#include "net/listener.h"

#include <stddef.h>
#include <sys/types.h>

/* Zero is valid and not open. */
struct ssp__control {
    struct ssp__listener *listener;
    const char *path; /* borrowed */
    dev_t dev;        /* of our file, which an administrator may have replaced */
    ino_t ino;
};

/* Returns 0 when path can be the name of a socket, or is NULL; else -1 with a sentence in why. */
int ssp__control_check(const char *path, char *why, size_t why_cap);

/* Binds and listens at path with mode 0600; ssp__control_close() is due.  Returns the socket, which
 * is the caller's, or -1 with a sentence in why. */
int ssp__control_listen(struct ssp__control *c, const char *path, char *why, size_t why_cap);

/* The file of a socket that listens at path (borrowed) already is this process's from now on. */
void ssp__control_adopt(struct ssp__control *c, const char *path);

/* The file is another process's from now on: it stays. */
void ssp__control_leave(struct ssp__control *c);

/*
 * Listens at path, which has been checked, with mode 0600; NULL: nowhere.
 *
 * on_client gets each connection, non-blocking, and owns it.  Returns 0, or -1 with a sentence in
 * why: another process listens on it, the file is no socket, or the system refuses.
 */
int ssp__control_open(struct ssp__control *c, const char *path, ssp_loop *loop,
                      ssp__accept_fn *on_client, void *arg, char *why, size_t why_cap);

/* Removes the file.  Accepts one that is not open. */
void ssp__control_close(struct ssp__control *c);

#endif
