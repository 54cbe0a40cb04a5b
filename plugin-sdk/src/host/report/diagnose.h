/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose.h - explains why a plugin failed and names the remedy.
 *
 * Knows common mistakes with real plugins.  It turns facts into one sentence and does not log.  It
 * reads the file only after a failed exec.
 */
#ifndef SSP_HOST_REPORT_DIAGNOSE_H
#define SSP_HOST_REPORT_DIAGNOSE_H

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SSP_HINT_MAX = 512 }; /* room for every sentence, unless a path is very long */

enum ssp__diagnose_kind {
    SSP_HINT_EXIT,         /* status: its exit status */
    SSP_HINT_SIGNAL,       /* status: the signal that ended it */
    SSP_HINT_EXEC,         /* status: the errno of exec, or of finding the file */
    SSP_HINT_NOT_LISTENING /* it runs, but does not listen */
};

/* All strings are borrowed for the call. */
struct ssp__diagnose_facts {
    enum ssp__diagnose_kind kind;
    int status;
    const char *plugin;  /* name, or path */
    const char *path;    /* the file; NULL: as plugin */
    const char *meant;   /* a file that is there, of nearly the same name; NULL or empty: none */
    const char *options; /* SS_PLUGIN_OPTIONS; NULL: none */
    ssp_role role;
    uint16_t port; /* where it should listen */
    const char
        *foreign; /* another process that listens there, from ssp__port_owner(); NULL: none */
    const char *const *lines; /* the last ones it printed */
    unsigned line_count;
    const char *telling;      /* the most telling one; NULL: none */
    ssp_mode mode;            /* what it was asked to carry */
    bool listens_tcp;         /* some process listens on the port by TCP */
    const char *library_path; /* LD_LIBRARY_PATH of the host; NULL: none */
};

/* Returns text with a sentence without a final dot, or NULL when nothing helpful is known. */
const char *ssp__diagnose(const struct ssp__diagnose_facts *facts, char *text, size_t cap);

#endif
