/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int capture_setup(void **state)
{
    struct capture *c = calloc(1, sizeof *c);
    assert_non_null(c);
    (void)snprintf(c->path, sizeof c->path, "/tmp/ss-conf-XXXXXX");
    int fd = mkstemp(c->path);
    assert_true(fd != -1);
    assert_int_equal(close(fd), 0);
    *state = c;
    return 0;
}

static void forget(struct capture *c)
{
    ss_conf_release(&c->conf);
    for (int i = 0; i < c->argc; i++)
        free(c->argv[i]);
    c->argc = 0;
}

int capture_teardown(void **state)
{
    struct capture *c = *state;
    forget(c);
    int rc = unlink(c->path);
    free(c);
    return rc;
}

void capture_write(struct capture *c, const char *text, size_t len)
{
    FILE *file = fopen(c->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Lets what is written to stream go to a memory file; *saved is where it went before. */
static int divert(FILE *stream, int *saved)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(fflush(stream), 0);
    *saved = dup(fileno(stream));
    assert_true(*saved != -1 && dup2(fd, fileno(stream)) != -1);
    return fd;
}

static void restore(FILE *stream, int saved, int fd, char text[CAPTURE_OUTPUT_MAX])
{
    assert_int_equal(fflush(stream), 0);
    assert_true(dup2(saved, fileno(stream)) != -1);
    ssize_t len = pread(fd, text, CAPTURE_OUTPUT_MAX - 1, 0);
    assert_true(len >= 0 && len < CAPTURE_OUTPUT_MAX - 1);
    text[len] = '\0';
    assert_int_equal(close(saved) | close(fd), 0);
}

void capture_run(struct capture *c, enum ss_program program, const char *const *arguments)
{
    forget(c);
    for (; arguments[c->argc] != NULL; c->argc++) {
        const char *argument = arguments[c->argc];
        assert_true(c->argc < CAPTURE_ARGS_MAX);
        c->argv[c->argc] = strdup(strcmp(argument, "@") == 0 ? c->path : argument);
        assert_non_null(c->argv[c->argc]);
    }
    c->argv[c->argc] = NULL;

    /* getopt_long permutes what it is given. */
    char *argv[CAPTURE_ARGS_MAX + 1];
    memcpy(argv, c->argv, sizeof argv);
    int out, err;
    int out_fd = divert(stdout, &out), err_fd = divert(stderr, &err);
    if (ss_conf_read(&c->conf, program, c->argc, argv, &c->status) == SSP_GO_ON)
        c->status = -1;
    restore(stderr, err, err_fd, c->err);
    restore(stdout, out, out_fd, c->out);
}

void capture_expect(struct capture *c, int status, const char *lines)
{
    char expected[CAPTURE_OUTPUT_MAX] = "";
    size_t len = 0;
    for (; *lines != '\0' && len < sizeof expected - CAPTURE_PATH_MAX; lines++) {
        if (*lines == '@')
            len += (size_t)snprintf(expected + len, CAPTURE_PATH_MAX, "%s", c->path);
        else
            expected[len++] = *lines;
    }
    expected[len] = '\0';
    assert_string_equal(c->err, expected);
    assert_int_equal(c->status, status);
}
