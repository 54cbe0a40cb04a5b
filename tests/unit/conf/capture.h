/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - runs ss_conf_read() as a program would and keeps what it says.
 */
#ifndef TESTS_CONF_CAPTURE_H
#define TESTS_CONF_CAPTURE_H

#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CAPTURE_ARGS_MAX = 32, CAPTURE_OUTPUT_MAX = 16384, CAPTURE_PATH_MAX = 64 };

/* The result of a run.  Statuses and texts stay until the next run. */
struct capture {
    struct ss_conf conf;
    int status; /* -1: the program would go on */
    int argc;
    char *argv[CAPTURE_ARGS_MAX + 1];
    char out[CAPTURE_OUTPUT_MAX], err[CAPTURE_OUTPUT_MAX];
    char path[CAPTURE_PATH_MAX]; /* of the configuration file */
};

/* For cmocka: *state becomes a struct capture with a file of its own. */
int capture_setup(void **state);
int capture_teardown(void **state);

/* Writes the configuration file. */
void capture_write(struct capture *c, const char *text, size_t len);

/* Runs program with the arguments, of which the last is NULL.  "@" stands for c->path. */
void capture_run(struct capture *c, enum ss_program program, const char *const *arguments);

#define LOCAL(c, ...) capture_run(c, SS_LOCAL, (const char *const[]){"ss-local", __VA_ARGS__, NULL})
#define SERVER(c, ...)                                                                             \
    capture_run(c, SS_SERVER, (const char *const[]){"ss-server", __VA_ARGS__, NULL})

/* The program says exactly this on stderr, "@" standing for the path, and goes on or ends. */
void capture_expect(struct capture *c, int status, const char *lines);

#endif
