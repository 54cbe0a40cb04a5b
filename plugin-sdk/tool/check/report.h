/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - the results of the checks as a table, as TAP (version 13), as JSON or as a page.
 */
#ifndef SSP_TOOL_REPORT_H
#define SSP_TOOL_REPORT_H

#include "check/runner.h"

#include <stdio.h>

struct report {
    const struct fixture *fixture;
    const struct job *const *job; /* in the order of their numbers */
    unsigned jobs;
    int64_t took_us;
    unsigned width; /* of the table, columns; 0: lines of any length */
    bool colour;
    bool failed_only;
};

/* Counts the checks of one level that apply, and how many of them passed. */
struct level_count {
    unsigned passed, all;
};

struct level_count report_count(const struct report *r, enum level level);

void report_table(const struct report *r, FILE *out);
void report_tap(const struct report *r, FILE *out);
void report_json(const struct report *r, FILE *out);

/* Writes a page of HTML to path, beside one of the above.  Returns 0, or -1 with errno. */
int report_page(const struct report *r, const char *path);

/* The table of checks itself, without results. */
void report_list(const struct check *const *tables, FILE *out);
void report_list_json(const struct check *const *tables, FILE *out);

/* ---- what the three have in common ---- */

extern const char *const report_levels[];   /* by enum level */
extern const char *const report_verdicts[]; /* by enum outcome */
extern const char *const report_whoms[];    /* by enum examined */
const char *report_examined(ssp_role role); /* "client", "server" or "pair" */

bool report_shows(const struct report *r, const struct job *j);
void report_summary(const struct report *r, FILE *out);

#endif
