/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - what a plugin prints becomes our log: whole lines, at most 1 KiB, with its name in front.
 */
#ifndef SSP_HOST_OUTPUT_H
#define SSP_HOST_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SSP_OUTPUT_LINE = 1024 };

struct ssp_output {
    const char *name; /* borrowed */
    pid_t pid;
    size_t len;
    char line[SSP_OUTPUT_LINE];
};

void ssp_output_begin(struct ssp_output *o, const char *name, pid_t pid);

/* Reads once from the non-blocking fd and logs the lines that are complete.  Returns false when
 * every writer is gone or nothing is there now. */
bool ssp_output_read(struct ssp_output *o, int fd);

/* Logs what is left of an unfinished line. */
void ssp_output_end(struct ssp_output *o);

#endif
