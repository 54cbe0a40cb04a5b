/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - logs the output of a plugin: whole lines, at most 1 KiB, with its name in front, and
 * limited in number.  A line that begins with that name by itself, as "name: text", has it once.
 * Colours are removed, and errors are logged as such.
 */
#ifndef SSP_HOST_REPORT_OUTPUT_H
#define SSP_HOST_REPORT_OUTPUT_H

#include "host/report/line.h"
#include "host/report/ratelimit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SSP_OUTPUT_LINE = 1024,
    SSP_OUTPUT_LAST = 8,       /* lines remembered for the report of a death */
    SSP_OUTPUT_LAST_LEN = 512, /* bytes of each */
    SSP_OUTPUT_TELLING_LEN = 512
};

struct ssp__output {
    const char *name;                             /* borrowed */
    void (*on_line)(void *arg, const char *line); /* set by the owner; may be NULL */
    void *arg;
    pid_t pid;
    size_t len;
    bool ending;   /* set by the owner: it has been told to end */
    bool goes_on;  /* a piece of this line has been logged already */
    bool skipping; /* what is left of a line that is counted as dropped */
    bool wide;     /* its pipe has been asked to hold more */
    char line[SSP_OUTPUT_LINE + 1];
    struct ssp__ratelimit pace;
    uint64_t counted_ms; /* when the number of dropped lines was last told */
    char last[SSP_OUTPUT_LAST][SSP_OUTPUT_LAST_LEN]; /* ring */
    unsigned seen;                                   /* lines since the start of this plugin */
    char telling[SSP_OUTPUT_TELLING_LEN]; /* the line that best explains an exit; "": none does */
    enum ssp__line_weight weight;         /* of it */
    bool unfinished;                      /* it ends with the next line */
    uint64_t telling_ms, last_ms;         /* when it, and the last line, were read */
};

void ssp__output_begin(struct ssp__output *o, const char *name, pid_t pid);

/* Reads from the non-blocking fd and logs the lines that are complete.  Unless on_line is set, only
 * the end of a flood is examined, and the lines before it are counted.  Returns false when every
 * writer is gone or nothing is there now. */
bool ssp__output_read(struct ssp__output *o, int fd, uint64_t now_ms);

/* Logs an unfinished line, and the number of dropped ones. */
void ssp__output_end(struct ssp__output *o);

/* The last lines, oldest first; returns their number. */
unsigned ssp__output_last(const struct ssp__output *o, const char *line[SSP_OUTPUT_LAST]);

/* The line that best explains the exit: the first of a crash, the first of the last errors, else
 * the last one.  NULL without output. */
const char *ssp__output_telling(const struct ssp__output *o);

/* Logs and remembers a line from the notify descriptor, with its level. */
void ssp__output_say(struct ssp__output *o, ssp_log_level level, const char *text, uint64_t now_ms);

#endif
