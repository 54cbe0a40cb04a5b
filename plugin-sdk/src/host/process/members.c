/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/members.h"

#include "procfs/proc.h"

#include <string.h>
#include <unistd.h>

/* After this long a plugin that has not followed its process does without it; a wrapper takes a
 * while on a busy machine.  In the plugin itself that is a main thread that has ended before the
 * others. */
enum { FOLLOWS_MS = 5000, THREAD_MS = 1000 };

void ssp__members_add(struct ssp__members *m, pid_t pid)
{
    if (m->n == SSP_MEMBERS_MAX)
        return;
    m->exit_fd[m->n] = ssp__proc_open_exit(pid);
    if (m->exit_fd[m->n] != -1)
        m->n++;
}

static void drop(struct ssp__members *m, unsigned i)
{
    (void)close(m->exit_fd[i]);
    m->exit_fd[i] = -1;
    m->exiting_ms = 0;
}

void ssp__members_close(struct ssp__members *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        if (m->exit_fd[i] != -1)
            drop(m, i);
    }
    *m = (struct ssp__members){.n = 0};
}

static unsigned first_exiting(const struct ssp__members *m)
{
    unsigned i = 0;
    while (i < m->n && (m->exit_fd[i] == -1 || ssp__proc_exiting(m->exit_fd[i]) != 1))
        i++;
    return i;
}

enum ssp__liveness ssp__members_liveness(struct ssp__members *m, uint64_t now_ms)
{
    unsigned i = first_exiting(m);
    if (i == m->n)
        return m->n > 0 && m->exit_fd[0] != -1 ? SSP_LIVES : SSP_UNKNOWN;
    if (m->exiting_ms == 0)
        m->exiting_ms = now_ms;
    if (now_ms - m->exiting_ms >= (i == 0 ? THREAD_MS : FOLLOWS_MS)) {
        for (; i < m->n; i = first_exiting(m))
            drop(m, i);
        return SSP_UNKNOWN;
    }
    return i == 0 ? SSP_DEAD : SSP_LEAVING;
}
