/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/codec_timer.h"

#include "relay/pump_io.h"

#include <stdlib.h>

/* Whether the codec runs in this state, in the direction of what this side sends. */
static bool runs(const struct ssp__session *s, enum ssp__side from)
{
    switch (s->state) {
    case SSP_PREFACE:
    case SSP_GREET:
    case SSP_DIAL:
        return from == SSP_ACCEPTED && s->service->coded == SSP_ACCEPTED;
    case SSP_HOLD:
        return from == SSP_DIALED;
    case SSP_RELAY:
        return true;
    case SSP_LINGER:
    case SSP_ABSORB:
    case SSP_STATES:
        break;
    }
    return false;
}

static uint64_t due_ms(const struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__direction *d = &s->dir[from];
    bool may = d->state == SSP_OPEN && runs(s, from) && ssp__direction_flushed(d);
    return may ? ssp__pump_due_ms(&d->pump, &s->conn) : SSP_NEVER;
}

static struct ssp__deadline *alarm_of(struct ssp__session *s, void (*fire)(void *arg))
{
    struct ssp__deadline *alarm = s->conn.timers->alarm;
    if (alarm != NULL)
        return alarm;
    alarm = s->conn.timers->alarm = calloc(1, sizeof *alarm);
    if (alarm != NULL)
        *alarm = (struct ssp__deadline){.fire = fire, .arg = s};
    return alarm;
}

/* An alarm that comes too early finds nothing to do, and is set again: a codec that puts its timer
 * off with each of its records costs nothing then. */
int ssp__codec_timer_arm(struct ssp__session *s, void (*fire)(void *arg))
{
    if (s->conn.timers == NULL)
        return 0;
    uint64_t up = due_ms(s, SSP_ACCEPTED), down = due_ms(s, SSP_DIALED);
    uint64_t due = up < down ? up : down;
    struct ssp__deadline *alarm = alarm_of(s, fire);
    if (alarm == NULL)
        return -1;
    if (due == SSP_NEVER)
        ssp__deadline_clear(alarm);
    else if (alarm->loop == NULL || due < alarm->due_ms)
        ssp__deadline_set(s->worker->loop, alarm, due);
    return 0;
}

void ssp__codec_timer_run(struct ssp__session *s)
{
    uint64_t now_ms = ssp__loop_now_ms(s->worker->loop);
    for (int from = 0; from < 2; from++) {
        if (due_ms(s, (enum ssp__side)from) <= now_ms)
            ssp__pump_io_run(s, (enum ssp__side)from);
    }
}

void ssp__codec_timer_free(struct ssp__session *s)
{
    struct ssp__deadline *alarm = s->conn.timers != NULL ? s->conn.timers->alarm : NULL;
    if (alarm != NULL)
        ssp__deadline_clear(alarm);
    free(alarm);
}
