/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - the last error among the lines that are logged meanwhile: the answer to a request.
 */
#ifndef SS_APP_MANAGER_CAPTURE_H
#define SS_APP_MANAGER_CAPTURE_H

enum { SS_CAPTURE_MAX = 512 };

struct ss_capture {
    char error[SS_CAPTURE_MAX]; /* empty: none */
};

/* Lines are logged as ever, and complaints about settings among them.  Not from within another. */
void ss_capture_begin(struct ss_capture *capture);
void ss_capture_end(void);

#endif
