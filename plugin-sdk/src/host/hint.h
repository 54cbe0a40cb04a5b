/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hint.h - what an operator should do about a plugin that failed.
 *
 * Knows the traps that people fall into with real plugins.  Facts in, one sentence out: it asks
 * nobody and logs nothing.  Only after a failed exec does it look at the file.
 */
#ifndef SSP_HOST_HINT_H
#define SSP_HOST_HINT_H

#include <ssplugin/env.h>

#include <stddef.h>
#include <stdint.h>

enum { SSP_HINT_MAX = 512 }; /* room for every sentence, unless a path is very long */

enum ssp_hint_kind {
    SSP_HINT_EXIT,         /* status: its exit status */
    SSP_HINT_SIGNAL,       /* status: the signal that ended it */
    SSP_HINT_EXEC,         /* status: the errno of exec, or of finding the file */
    SSP_HINT_NOT_LISTENING /* it runs, but not as it should */
};

/* All strings are borrowed for the call. */
struct ssp_hint_facts {
    enum ssp_hint_kind kind;
    int status;
    const char *plugin;  /* name, or path */
    const char *path;    /* the file; NULL: as plugin */
    const char *options; /* SS_PLUGIN_OPTIONS; NULL: none */
    ssp_role role;
    uint16_t port;       /* where it should listen */
    const char *foreign; /* who else listens there, as ssp_port_owner() says it; NULL: nobody */
    const char *const *lines; /* the last ones it printed */
    unsigned line_count;
};

/* Returns text with a sentence without a final dot, or NULL when nothing helpful is known. */
const char *ssp_hint(const struct ssp_hint_facts *facts, char *text, size_t cap);

#endif
