/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxed.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct visit {
    const struct ssp__sandbox *sb;
    int (*act)(const void *arg);
    const void *arg;
};

static int enter_and_act(const void *arg)
{
    const struct visit *v = arg;
    PROVE(ssp__sandbox_enter(v->sb) == 0);
    return v->act(v->arg);
}

int inside(const struct ssp__sandbox_rules *rules, int abi, int (*act)(const void *arg),
           const void *arg)
{
    struct ssp__sandbox sb;
    char note[256];
    if (ssp__sandbox_prepare(&sb, rules, note, sizeof note) == -1)
        fail_msg("%s", note);
    if (sb.abi < abi) {
        ssp__sandbox_release(&sb);
        skip();
    }
    struct visit v = {.sb = &sb, .act = act, .arg = arg};
    int rc = in_child(enter_and_act, &v);
    ssp__sandbox_release(&sb);
    return rc;
}

bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int error = errno;
    if (fd != -1)
        (void)close(fd);
    errno = error;
    return fd != -1;
}

bool closed(const char *path, int flags)
{
    return !opens(path, flags) && errno == EACCES;
}
