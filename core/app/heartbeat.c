/* SPDX-License-Identifier: Apache-2.0 */
#include "app/heartbeat.h"

#include "app/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PERIOD_MS = 10000, STATE_MAX = SS_STATUS_MAX + 32, US_PER_MS = 1000 };

/* The time within which the service manager wants to hear of this process; 0: it does not. */
static unsigned long long watchdog_ms(void)
{
    const char *limit = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (limit == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return strtoull(limit, NULL, 10) / US_PER_MS;
}

static void beat(void *arg)
{
    struct ss_heartbeat *b = arg;
    char state[STATE_MAX], status[SS_STATUS_MAX] = "";
    if (b->status != NULL)
        b->status(b->arg, status);
    (void)snprintf(state, sizeof state, "%s%s%s", b->watched ? "WATCHDOG=1\n" : "",
                   status[0] != '\0' ? "STATUS=" : "", status);
    if (state[0] != '\0')
        ss_notify(state);
    ssp__timer_start(b->loop, &b->timer, b->period_ms);
}

void ss_heartbeat_start(struct ss_heartbeat *b, ssp_loop *loop)
{
    unsigned long long limit = watchdog_ms();
    if (getenv("NOTIFY_SOCKET") == NULL || b->loop != NULL)
        return;
    b->loop = loop;
    b->watched = limit > 0;
    b->period_ms = PERIOD_MS;
    if (b->watched && limit / 2 < PERIOD_MS)
        b->period_ms = limit >= 2 ? (unsigned)(limit / 2) : 1;
    b->timer = (struct ssp__timer){.fire = beat, .arg = b};
    beat(b);
}

void ss_heartbeat_stop(struct ss_heartbeat *b)
{
    ssp__timer_stop(&b->timer);
    b->loop = NULL;
}
