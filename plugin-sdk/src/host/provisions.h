/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provisions.h - the user, the sandbox and the environment of a plugin, as its configuration says.
 */
#ifndef SSP_HOST_PROVISIONS_H
#define SSP_HOST_PROVISIONS_H

#include "host/process/guardian.h"
#include "host/process/temporary.h"

#include <ssplugin/host.h>

#include <stddef.h>

/* Everything that the guardian needs, from the fork on. */
struct ssp__provisions {
    struct ssp__privilege privilege;
    struct ssp__sandbox sandbox;
    bool sandboxed;
    char temporary[SSP_TEMPORARY_PATH]; /* of the plugin alone; "": it shares those of the host */
    const char *directory;              /* where it works: in there, or NULL: where the host does */
    int user_lock;                      /* keeps its own user its own; -1: none */
    char **env;
};

/*
 * Prepares user, sandbox and environment of the plugin at path.  In the sandbox of a host that is
 * root it gets a user of its own when none is named, and then may read what its options name and
 * only root can.
 *
 * Returns 0, or -1 with a sentence in why; ssp__provisions_release() is due either way.  The
 * guardian removes the directory of temporary files.
 */
int ssp__provisions_prepare(struct ssp__provisions *p, const char *path, const ssp_host_conf *conf,
                            char *why, size_t cap);
void ssp__provisions_release(struct ssp__provisions *p);

#endif
