/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - the files that options of the type SSP_FILE name.
 *
 * What a path leads to is judged by its device, inode, size and time of change; when to look is
 * told by inotify, which watches the directory of each path, and those of the symbolic links on the
 * way: files are replaced by renaming, and links by links.  A directory that is gone is waited for
 * in its parent.  Nothing is polled: an idle program sleeps.
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
    int fd; /* of inotify; -1: the system has none left */
    struct ssp__watch *watch;
    struct ssp__timer quiet; /* runs while the files may be changing */
    uint64_t taken, seen;    /* signatures: when they were read last, when they were looked at */
    void (*on_change)(void *arg);
    void *arg;
};

/* Opens each file for reading once, and notes how it looks: what changes from here on is a change.
 * Returns 0, or -1 with a sentence in why, which names the option. */
int ssp__files_check(struct ssp__files *f, const struct ssp__settings *settings, ssp_role role,
                     char *why, size_t why_cap);

/* Calls on_change(arg) from the loop once a change is over.  Where the system cannot watch, one
 * line of the log says so, and SIGHUP is left. */
void ssp__files_watch(struct ssp__files *f, ssp_loop *loop, void (*on_change)(void *arg),
                      void *arg);

/* The files are about to be read again, for whatever reason. */
void ssp__files_taken(struct ssp__files *f);

/* Stops watching.  Accepts one that does not. */
void ssp__files_close(struct ssp__files *f);

#endif
