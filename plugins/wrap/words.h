/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - a command line becomes words, as a shell would make them, without a shell.
 *
 * Blanks separate words.  '...' is taken as it is; in "..." a backslash protects one of \ " $ `;
 * elsewhere it protects any byte.  Nothing else has a meaning: no variables, no wildcards, no
 * pipes.
 *
 * Everywhere, quotes included, % begins a placeholder:
 *   %L   SS_LOCAL_HOST:SS_LOCAL_PORT, an IPv6 literal in brackets     %lh %lp   host and port
 *   %R   SS_REMOTE_HOST:SS_REMOTE_PORT                                %rh %rp
 *   %%   a percent sign
 */
#ifndef WRAP_WORDS_H
#define WRAP_WORDS_H

#include <stddef.h>

struct words_place {
    const char *host; /* without brackets */
    const char *port;
};

/* The words of a command line.  Zero is valid and empty. */
struct words {
    char **word; /* ended by NULL; the first one is the program */
    size_t n;
};

/* local and remote are NULL where there are no placeholders: a percent sign is one then.
 *
 * Returns 0, or -1 with a phrase in why: nothing but blanks, a quote without an end, a backslash
 * at the end, an unknown placeholder (these name the byte, counted from 0), or no memory. */
int words_split(struct words *words, const char *line, const struct words_place *local,
                const struct words_place *remote, char *why, size_t why_cap);

void words_release(struct words *words);

#endif
