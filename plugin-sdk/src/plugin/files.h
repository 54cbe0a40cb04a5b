/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - the files that options of the type SSP_FILE name.
 *
 * What a path leads to, over links and directories that come and go, is judged by its device,
 * inode, size and time of change, once a second.  Not by inotify: closing that takes the kernel up
 * to 33 ms, in which the plugin cannot end, and there are hosts that kill after 10.
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
    uint64_t taken, seen;    /* signatures: when they were read last, when they were looked at */
    void (*on_change)(void *arg);
    void *arg;
};

/* Opens each file for reading once, and notes how it looks: what changes from here on is a change.
 * Returns 0, or -1 with a sentence in why, which names the option. */
int ssp__files_check(struct ssp__files *f, const struct ssp__settings *settings, ssp_role role,
                     char *why, size_t why_cap);

/* Calls on_change(arg) from the loop once a change is over. */
void ssp__files_watch(struct ssp__files *f, ssp_loop *loop, void (*on_change)(void *arg),
                      void *arg);

/* The files are about to be read again, for whatever reason. */
void ssp__files_taken(struct ssp__files *f);

/* Stops watching.  Accepts one that does not. */
void ssp__files_close(struct ssp__files *f);

#endif
