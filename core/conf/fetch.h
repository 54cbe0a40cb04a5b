/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - the content of an https URL, or of a file.
 */
#ifndef SS_CONF_FETCH_H
#define SS_CONF_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { SS_FETCH_WHY_MAX = 256, SS_FETCH_TAG_MAX = 256, SS_FETCH_DATE_MAX = 64 };

/* By what a server knows which version of a document one has; empty texts: not known. */
struct ss_fetch_version {
    char etag[SS_FETCH_TAG_MAX], modified[SS_FETCH_DATE_MAX];
};

/* A document to get. */
struct ss_fetch {
    const char *url;
    size_t most;                      /* bytes */
    struct ss_fetch_version *version; /* of what one has; then of what came */
    const atomic_bool *stop;          /* it is given up soon after this is true; NULL: never */
};

/* Gets the content of an https URL.  Returns a new text with its length, to be wiped and freed, or
 * NULL with the reason: an empty reason when the server has the version that one has. */
char *ss_fetch_url(const struct ss_fetch *fetch, size_t *len, char why[SS_FETCH_WHY_MAX]);

/* Opens a file to read it.  A program that runs gets no pipe, because nothing may ever be written
 * to it.  Returns a descriptor, or -1 with errno, which is ESPIPE for a pipe. */
int ss_open_file(const char *path, bool runs);

/* Gets at most `most` bytes of a file, as ss_fetch_url(). */
char *ss_fetch_file(const char *path, bool runs, size_t most, size_t *len,
                    char why[SS_FETCH_WHY_MAX]);

#endif
