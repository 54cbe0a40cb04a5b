/* SPDX-License-Identifier: Apache-2.0 */
#include "host/listening.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

/* Parent and process group of a process; false when it is gone. */
static bool kin(pid_t pid, pid_t *parent, pid_t *group)
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
    int ppid, pgrp;
    char state;
    if (rest == NULL || sscanf(rest + 1, " %c %d %d", &state, &ppid, &pgrp) != 3) /* NOLINT */
        return false;
    *parent = ppid;
    *group = pgrp;
    return true;
}

static bool descends(pid_t pid, pid_t ancestor)
{
    pid_t parent, group;
    for (int depth = 0; depth < DEPTH_MAX && pid > 1; depth++, pid = parent) {
        if (pid == ancestor)
            return true;
        if (!kin(pid, &parent, &group))
            return false;
        if (group == ancestor)
            return true;
    }
    return false;
}

static bool tree_holds(pid_t root, const struct ssp_listeners *found)
{
    if (ssp_listeners_held(found, root))
        return true;
    DIR *proc = opendir("/proc");
    bool hit = false;
    if (proc == NULL)
        return false;
    for (struct dirent *e = readdir(proc); e != NULL && !hit; e = readdir(proc)) {
        pid_t pid = isdigit((unsigned char)e->d_name[0]) ? (pid_t)strtol(e->d_name, NULL, 10) : 0;
        hit = pid > 1 && pid != root && descends(pid, root) && ssp_listeners_held(found, pid);
    }
    (void)closedir(proc);
    return hit;
}

int ssp_listening(pid_t pid, enum ssp_transport transport, uint16_t port, bool *foreign)
{
    struct ssp_listeners found;
    bool ours = false;
    *foreign = false;
    if (ssp_listeners_find(&found, transport, port) == -1)
        return -1;
    for (unsigned i = 0; i < found.n; i++) {
        struct ssp_listeners one = {.inode = {found.inode[i]}, .n = 1};
        bool held = tree_holds(pid, &one);
        ours = ours || held;
        *foreign = *foreign || !held;
    }
    return ours;
}
