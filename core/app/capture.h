/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - the last error among the lines that are logged meanwhile: the answer to a request, or
 * the reason to refuse a reload.
 */
#ifndef SS_APP_CAPTURE_H
#define SS_APP_CAPTURE_H

#include <stdbool.h>

enum { SS_CAPTURE_MAX = 512 };

struct ss_capture {
    char error[SS_CAPTURE_MAX]; /* empty: none */
    bool keeps;                 /* the last error is not logged */
};

/* Lines are logged as ever, and complaints about settings among them; the last error is kept back
 * if so asked.  Not from within another. */
void ss_capture_begin(struct ss_capture *capture, bool keeps);
void ss_capture_end(void);

#endif
