/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - what a program prints within a moment, when it is asked something.
 */
#ifndef SSP_TOOL_CAPTURE_H
#define SSP_TOOL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

enum { CAPTURE_BYTES = 256 * 1024 };

/* Zero is valid and empty. */
struct capture {
    char *out, *err; /* owned, with a NUL behind; NUL bytes of the program are left out */
    size_t out_len, err_len;
    bool exited; /* by itself within the time; else it was killed */
    int status;  /* its exit status, or 128 + the signal that ended it */
};

/*
 * Runs path with one argument: stdin is /dev/null, the environment has no SS_*, and whatever it
 * starts in its process group is killed in the end.
 *
 * Returns 0, or -1 with errno when it could not be started; capture_free() is due either way.
 */
int capture(struct capture *c, const char *path, const char *argument, unsigned limit_ms);
void capture_free(struct capture *c);

#endif
