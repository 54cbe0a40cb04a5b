/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite.h - the interface of the checker: runs checks and prints their results on stdout.
 *
 * The checker starts plugins with SIP003's variables only, as a foreign host would: it uses base,
 * contract and procfs, and nothing of our host.
 */
#ifndef SSP_CHECK_SUITE_H
#define SSP_CHECK_SUITE_H

#include "check/check.h"

#include <stdio.h>

enum { SUITE_NUMBER_MAX = 199 };

/* Exit status; 128 and more: ended by that signal.  The reason of CANNOT_RUN is on stderr. */
enum { SUITE_PASSED = 0, SUITE_FAILED = 1, SUITE_CANNOT_RUN = 2 };

enum suite_format { SUITE_TABLE, SUITE_TAP, SUITE_JSON };

struct suite {
    bool of_host;                  /* a host is examined, else plugins */
    struct subject client, server; /* borrowed texts */
    struct host host;
    bool chosen[SUITE_NUMBER_MAX + 1];
    bool thorough, plain; /* as in struct fixture */
    enum suite_format format;
    const char *page; /* a file for a page of HTML; NULL: none */
    unsigned width;   /* of the table, columns; 0: lines of any length */
    bool colour;      /* of the table */
    bool failed_only; /* what passed, and what did not apply, is not printed */
    unsigned parallel;
};

/* Whether a check of one of the chosen numbers exists. */
bool suite_any(const struct suite *suite);

/* Prints the table of checks itself, as text or JSON. */
void suite_list(const struct suite *suite, FILE *out);

/* Runs the chosen checks.  Returns an exit status. */
int suite_run(const struct suite *suite);

#endif
