/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATHS = 8, OPEN_DIRECTORIES = 8 };

int unproven(const char *claim, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: not so in the child: %s\n", file, line, claim);
    return 1;
}

int outcome(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : ENDED_BY + WTERMSIG(status);
}

int in_child(int (*act)(const void *arg), const void *arg)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0)
        _exit(act(arg));
    return outcome(pid);
}

void scratch_make(char dir[SCRATCH_PATH], const char *base)
{
    (void)snprintf(dir, SCRATCH_PATH, "%s/ssp-host-XXXXXX", base);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void scratch_remove(const char *dir)
{
    assert_int_equal(nftw(dir, discard, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS), 0);
}

const char *scratch_path(const char *dir, const char *name)
{
    static char path[PATHS][2 * SCRATCH_PATH];
    static unsigned turn;
    char *next = path[turn++ % PATHS];
    (void)snprintf(next, sizeof path[0], "%s/%s", dir, name);
    return next;
}

const char *scratch_file(const char *dir, const char *name, mode_t mode, const void *content,
                         size_t n)
{
    const char *path = scratch_path(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, content, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    return path;
}

const char *scratch_text(const char *dir, const char *name, mode_t mode, const char *text)
{
    return scratch_file(dir, name, mode, text, strlen(text));
}
