/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/sandbox.h"

#include "host/process/landlock.h"
#include "host/process/seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* One line about what this kernel cannot restrict; empty when it can do all that is asked. */
static void describe_lacks(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                           char *note, size_t cap)
{
    bool ports = rules->bind_ports != NULL || rules->connect_ports != NULL;
    const struct lack {
        bool lacks;
        const char *what;
    } lack[] = {
        {sb->abi < SSP_LANDLOCK_FILES, "files"},
        {sb->abi >= SSP_LANDLOCK_FILES && sb->abi < SSP_LANDLOCK_TRUNCATE, "truncation of files"},
        {ports && sb->abi < SSP_LANDLOCK_PORTS, "TCP ports"},
        {sb->abi < SSP_LANDLOCK_SCOPE, "signals and abstract sockets"},
        {sb->filter_len == 0, "system calls"},
    };
    size_t len = 0;
    note[0] = '\0';
    for (size_t i = 0; i < sizeof lack / sizeof *lack && len < cap; i++) {
        if (lack[i].lacks)
            len += (size_t)snprintf(note + len, cap - len, "%s%s",
                                    len == 0 ? "plugin sandbox: the kernel cannot restrict " : ", ",
                                    lack[i].what);
    }
}

static void guard(struct ssp__sandbox *sb, pid_t pid, pid_t group)
{
    if (sb->guarded_len + 2 <= SSP_GUARDED_MAX) {
        sb->guarded[sb->guarded_len++] = pid;
        sb->guarded[sb->guarded_len++] = -group;
    }
    ssp__seccomp_prepare(sb, sb->abi < SSP_LANDLOCK_SCOPE ? SSP_SECCOMP_PLUGIN_UNSCOPED
                                                          : SSP_SECCOMP_PLUGIN);
}

int ssp__sandbox_prepare(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                         char *note, size_t cap)
{
    *sb = (struct ssp__sandbox){.ruleset_fd = -1};
    if (ssp__landlock_prepare(sb, rules) == -1) {
        int error = errno;
        (void)snprintf(note, cap, "plugin sandbox: %s", strerror(error));
        ssp__sandbox_release(sb);
        errno = error;
        return -1;
    }
    guard(sb, getpid(), getpgrp());
    describe_lacks(sb, rules, note, cap);
    return 0;
}

void ssp__sandbox_guard_self(struct ssp__sandbox *sb)
{
    guard(sb, getpid(), getpgrp());
}

int ssp__sandbox_open_port(const struct ssp__sandbox *sb, uint16_t port)
{
    return sb->ports && port != 0 ? ssp__landlock_open_port(sb, port) : 0;
}

int ssp__sandbox_enter(const struct ssp__sandbox *sb)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || ssp__landlock_enter(sb) == -1)
        return -1;
    return ssp__seccomp_enter(sb);
}

void ssp__sandbox_release(struct ssp__sandbox *sb)
{
    if (sb->ruleset_fd != -1)
        (void)close(sb->ruleset_fd);
    sb->ruleset_fd = -1;
}
