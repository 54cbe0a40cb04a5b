/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs/proc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 64 /* of hosts in plugins of hosts, each of which adds two */
};

bool ssp__proc_usable(void)
{
    char link[32] = "";
    struct ssp__proc own;
    ssize_t n = readlink("/proc/self", link, sizeof link - 1);
    return n > 0 && strtol(link, NULL, 10) == (long)getpid() && ssp__proc_read(&own, getpid()) &&
           own.parent == getppid();
}

DIR *ssp__proc_open(void)
{
    return ssp__proc_usable() ? opendir("/proc") : NULL;
}

bool ssp__proc_read(struct ssp__proc *kin, pid_t pid)
{
    char path[64], line[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t n = fread(line, 1, sizeof line - 1, file);
    (void)fclose(file);
    line[n] = '\0';
    const char *rest = strrchr(line, ')'); /* the name before it may contain anything */
    kin->pid = pid;
    return rest != NULL && sscanf(rest + 1, " %c %d %d %d", &kin->state, /* NOLINT(cert-err34-c) */
                                  &kin->parent, &kin->group, &kin->session) == 4;
}

bool ssp__proc_descends(pid_t pid, pid_t root)
{
    struct ssp__proc kin;
    for (int depth = 0; depth < DEPTH_MAX && pid > 1; depth++, pid = kin.parent) {
        if (pid == root)
            return true;
        if (!ssp__proc_read(&kin, pid))
            return false;
        if (kin.group == root)
            return true;
    }
    return false;
}

unsigned ssp__proc_tree(pid_t root, pid_t *list, unsigned max)
{
    DIR *proc = ssp__proc_open();
    unsigned n = 0;
    if (proc == NULL)
        return 0;
    for (pid_t pid; n < max && (pid = ssp__proc_next(proc)) != 0;) {
        if (pid > 1 && pid != root && ssp__proc_descends(pid, root))
            list[n++] = pid;
    }
    (void)closedir(proc);
    return n;
}

int ssp__proc_open_exit(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/coredump_filter", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd != -1)
        return fd;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The filter is a property of the memory: a process without any has none.  That costs half as much
 * to ask for as the sizes, which are 0 then. */
int ssp__proc_exiting(int exit_fd)
{
    char text[128];
    ssize_t n = pread(exit_fd, text, sizeof text, 0);
    if (n == -1)
        return errno == ESRCH ? 1 : -1;
    return n == 0 || (n >= 2 && memcmp(text, "0 ", 2) == 0);
}

pid_t ssp__proc_next(DIR *proc)
{
    for (const struct dirent *e = readdir(proc); e != NULL; e = readdir(proc)) {
        if (isdigit((unsigned char)e->d_name[0]))
            return (pid_t)strtol(e->d_name, NULL, 10);
    }
    return 0;
}

bool ssp__proc_next_child(DIR *proc, struct ssp__proc *child)
{
    for (pid_t pid; (pid = ssp__proc_next(proc)) != 0;) {
        if (ssp__proc_read(child, pid) && child->parent == getpid())
            return true;
    }
    return false;
}
