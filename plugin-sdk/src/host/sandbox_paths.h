/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_paths.h - the files that a plugin has to read: paths in its options, in any form, and
 * files that known plugins open by themselves.
 */
#ifndef SSP_HOST_SANDBOX_PATHS_H
#define SSP_HOST_SANDBOX_PATHS_H

#include <stdbool.h>
#include <stddef.h>

enum { SSP_REACH_MAX = 128 };

struct ssp__sandbox_paths {
    const char *path[SSP_REACH_MAX + 1]; /* absolute, each owned; ends with NULL */
    bool named[SSP_REACH_MAX];           /* by an option, or by what is known of the plugin */
    size_t n;
    bool relative;   /* one is relative to the working directory */
    bool of_account; /* one that is there is looked for in the home directory of the account */
};

/* All are borrowed for the call. */
struct ssp__sandbox_naming {
    const char *options; /* SS_PLUGIN_OPTIONS; NULL: none */
    const char *plugin;  /* its name; NULL: not known */
    const char *home;    /* of the user that it runs as; NULL: none */
};

/*
 * Collects the paths that the options contain: a value, a key, a part of a list or of a command
 * line, or the string as a whole; absolute, below "~/", or relative to the working directory (then
 * only what exists).  A certificate is renewed by replacing the file, its directory or a symlink on
 * the way: the directories that hold these are collected too, unless they hold much else.
 *
 * Returns 0, or -1 when memory is out.
 */
int ssp__sandbox_paths_read(struct ssp__sandbox_paths *reach,
                            const struct ssp__sandbox_naming *naming);

/* Splits absolute paths that are joined by ':'.  Each must exist.  Returns 0, or -1 with a sentence
 * in why. */
int ssp__sandbox_paths_split(struct ssp__sandbox_paths *reach, const char *list, char *why,
                             size_t cap);

void ssp__sandbox_paths_release(struct ssp__sandbox_paths *reach);

/* True for "/", a world-writable directory and the home of its owner: opening one of these for the
 * sake of a file in it would open far more. */
bool ssp__sandbox_paths_shared(const char *directory);

#endif
