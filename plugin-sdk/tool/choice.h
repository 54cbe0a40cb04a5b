/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choice.h - the options that `check` and `check-host` share: which checks, how many at a time, and
 * how the outcome is printed.
 */
#ifndef SSP_TOOL_CHOICE_H
#define SSP_TOOL_CHOICE_H

#include "check/suite.h"
#include "command.h"

struct choice {
    struct suite suite;
    bool only, list;
    long jobs;
};

/* The rows of their tables. */
#define CHOICE_OPTIONS                                                                             \
    {"only", "LIST", "these checks, as in 1-5,8,43"}, {"skip", "LIST", "all but these"},           \
        {"json", NULL, "the results as JSON"}, {"tap", NULL, "the results as TAP"},                \
        {"html", "FILE", "the results as a page, too"},                                            \
        {"jobs", "N", "checks at a time; thrice as many as processors"}, {"j", "N", "the same"},   \
        {"thorough", NULL, "more repetitions"}, {"failed", NULL, "print failed checks only"},      \
    {                                                                                              \
        "list", NULL, "print the checks, run none"                                                 \
    }

void choice_init(struct choice *c);

/* Takes one of the rows, as a tool_take_fn does. */
enum ssp__next choice_take(struct choice *c, const struct tool_usage *usage, const char *name,
                           const char *value);

/* Prints the table of checks; runs them.  Both return an exit status. */
int choice_list(const struct choice *c);
int choice_run(struct choice *c);

#endif
