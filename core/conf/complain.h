/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complain.h - an error of the user is one line on stderr: program, file, key, the value found, the
 * value expected.
 */
#ifndef SS_CONF_COMPLAIN_H
#define SS_CONF_COMPLAIN_H

#include "conf/conf.h"

/* Where a value comes from. */
struct ss_origin {
    enum ss_program program;
    const char *path; /* of the file; NULL: the command line */
    const char *name; /* the key or option as it was written; NULL: none in particular */
};

/* Writes "program: path: name: message".  Control characters do not reach the terminal. */
void ss_complain(const struct ss_origin *origin, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Gives the lines of this thread to fn(arg, line) instead, without the program's name; NULL ends
 * that. */
typedef void ss_complaint_fn(void *arg, const char *line);
void ss_complaints_take(ss_complaint_fn *fn, void *arg);

/* The status at the end of an answer on standard output: one that could not be written, which is
 * told, is a failure. */
int ss_answered(enum ss_program program);

/* Why a file cannot be read; who may not read it is told, since a program gives its user up. */
enum { SS_UNREADABLE_MAX = 128 };
const char *ss_unreadable(char out[SS_UNREADABLE_MAX], int error);

enum { SS_QUOTE_MAX = 80 };

/* Text as it is shown in a message: quoted unless it looks like a number, and not too long. */
const char *ss_quote(char out[SS_QUOTE_MAX], const char *text);

#endif
