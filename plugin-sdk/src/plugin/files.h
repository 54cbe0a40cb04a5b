/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - the files that options of the type SSP_FILE name.
 *
 * A path may lead over links and directories that change.  Once a second its target is compared by
 * device, inode, size and time of change.  This is not inotify, because the kernel needs up to 33
 * ms to close an inotify descriptor, in which the plugin cannot end, and some hosts kill after 10
 * ms.
 */
#ifndef SSP_PLUGIN_FILES_H
#define SSP_PLUGIN_FILES_H

#include "net/loop.h"
#include "options/settings.h"

/* Zero is valid and watches nothing. */
struct ssp__files {
    const struct ssp__settings *settings; /* borrowed, as is loop */
    ssp_role role;
    ssp_loop *loop;
    struct ssp__timer timer; /* the next look */
    uint64_t taken, seen;    /* signatures: at the last read, and at the last look */
    void (*on_change)(void *arg);
    void *arg;
};

/* Opens each file for reading once, and records its signature, with which later ones are compared.
 * Returns 0, or -1 with a sentence in why, which names the option. */
int ssp__files_check(struct ssp__files *f, const struct ssp__settings *settings, ssp_role role,
                     char *why, size_t why_cap);

/* Calls on_change(arg) from the loop once a change is over. */
void ssp__files_watch(struct ssp__files *f, ssp_loop *loop, void (*on_change)(void *arg),
                      void *arg);

/* Records the files as read: call it before the files are read again for any reason. */
void ssp__files_taken(struct ssp__files *f);

/* Stops watching.  Accepts a watch that is not running. */
void ssp__files_close(struct ssp__files *f);

#endif
