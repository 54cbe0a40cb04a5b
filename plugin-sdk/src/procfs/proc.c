/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs/proc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
