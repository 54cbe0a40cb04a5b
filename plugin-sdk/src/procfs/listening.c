/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs/listening.h"

#include "procfs/proc.h"

static bool tree_holds(pid_t root, const struct ssp__listeners *found)
{
    if (ssp__listeners_held(found, root))
        return true;
    DIR *proc = ssp__proc_open();
    bool hit = false;
    if (proc == NULL)
        return false;
    for (pid_t pid; !hit && (pid = ssp__proc_next(proc)) != 0;)
        hit = pid > 1 && pid != root && ssp__proc_descends(pid, root) &&
              ssp__listeners_held(found, pid);
    (void)closedir(proc);
    return hit;
}

int ssp__listening(pid_t pid, enum ssp__transport transport, uint16_t port, bool *foreign)
{
    struct ssp__listeners found;
    bool ours = false;
    *foreign = false;
    if (ssp__listeners_find(&found, transport, port) == -1)
        return -1;
    if (found.n > 0 && !ssp__proc_usable())
        return SSP_LISTENING_UNVERIFIED;
    for (unsigned i = 0; i < found.n; i++) {
        struct ssp__listeners one = {.inode = {found.inode[i]}, .n = 1};
        bool held = tree_holds(pid, &one);
        ours = ours || held;
        *foreign = *foreign || !held;
    }
    return ours;
}
