/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - runs a program with one argument and keeps its output.
 */
#ifndef SSP_TOOL_CAPTURE_H
#define SSP_TOOL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

enum { CAPTURE_BYTES = 256 * 1024 };

struct capture {
    /* With a NUL behind; NUL bytes of the program are left out, and what does not fit. */
    char out[CAPTURE_BYTES + 1], err[CAPTURE_BYTES + 1];
    size_t out_len, err_len;
    bool exited; /* by itself within the time; else it was killed */
    int status;  /* its exit status, or 128 + the signal that ended it */
};

/*
 * Runs path with one argument: stdin is /dev/null, the environment has no SS_*, and all descendants
 * are killed in the end.  A signal that ends this process is handled in here: it kills them first.
 *
 * Returns NULL with errno when it could not be started; else capture_free() is due.
 */
struct capture *capture(const char *path, const char *argument, unsigned limit_ms);
void capture_free(struct capture *c); /* accepts NULL */

#endif
