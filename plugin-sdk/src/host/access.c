/* SPDX-License-Identifier: Apache-2.0 */
#include "host/access.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool in_group(const struct ssp__privilege *p, gid_t gid)
{
    bool in = p->gid == gid;
    for (size_t i = 0; !in && i < p->groups; i++)
        in = p->group[i] == gid;
    return in;
}

bool ssp__access_alone(const struct ssp__privilege *p, const char *path, int mode)
{
    struct stat st;
    if (stat(path, &st) == -1)
        return false;
    unsigned shift = st.st_uid == p->uid ? 6 : in_group(p, st.st_gid) ? 3 : 0;
    return ((st.st_mode >> shift) & (unsigned)mode) == (unsigned)mode;
}

bool ssp__access(const struct ssp__privilege *p, const char *path, int mode)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL || !ssp__access_alone(p, real, mode))
        return false;
    for (char *slash = strrchr(real, '/'); slash != NULL; slash = strrchr(real, '/')) {
        *slash = '\0';
        if (!ssp__access_alone(p, real[0] != '\0' ? real : "/", X_OK))
            return false;
    }
    return true;
}
