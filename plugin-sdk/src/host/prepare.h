/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare.h - everything a plugin needs to be started: its file, its user, its sandbox, its
 * environment, and the guardian that starts it.
 */
#ifndef SSP_HOST_PREPARE_H
#define SSP_HOST_PREPARE_H

#include "host/host_impl.h"

#include <stddef.h>

/* Finds the plugin's file, which must be trustworthy.  Returns 0, or -1 with a sentence in why. */
int ssp__prepare_find(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap);

/* Everything that the guardian needs, from the fork on.  Zero is valid and empty. */
struct ssp__provisions {
    struct ssp__privilege privilege;
    struct ssp__sandbox sandbox;
    bool sandboxed;
    char **env;
};

/* Prepares user, sandbox and environment of the plugin at path.  Returns 0, or -1 with a sentence
 * in why; ssp__provisions_release() is due either way. */
int ssp__provisions_prepare(struct ssp__provisions *p, const char *path, const ssp_host_conf *conf,
                            char *why, size_t cap);
void ssp__provisions_release(struct ssp__provisions *p);

/* Forks the guardian.  Returns 0, or -1 with a sentence in why. */
int ssp__prepare_guardian(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap);

#endif
