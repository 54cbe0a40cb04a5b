/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/events.h"

#include "relay/carrier.h"

enum { EARLY_MAX = 64 * 1024 /* bytes that may wait before the connection stands */ };

/* Input that a front leaves unread may fill its window. */
static bool front_full(const struct ssp__session *s, enum ssp__side from)
{
    if (s->greeting == NULL)
        return false;
    const struct ssp__front_pump *f = &s->greeting->front;
    return ssp__bytes_len(from == SSP_ACCEPTED ? &f->pump.in : &f->answer.in) >= SSP_WINDOW;
}

/* Input that a codec leaves unread may fill its window, as ever. */
static bool room_early(const struct ssp__session *s)
{
    const struct ssp__pump *up = &s->dir[SSP_ACCEPTED].pump;
    size_t unread = s->service->coded == SSP_DIALED ? EARLY_MAX : SSP_WINDOW;
    return ssp__bytes_len(&up->in) < unread && ssp__bytes_len(&up->out) < EARLY_MAX;
}

/* A sender that does not take the codec's replies to it, such as pongs, has to wait. */
static bool room_for_replies(const struct ssp__session *s, enum ssp__side from)
{
    return ssp__bytes_len(&s->dir[ssp__other(from)].pump.out) < SSP_WINDOW;
}

static bool can_read(const struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__direction *d = &s->dir[from];
    bool open = d->state == SSP_OPEN && !d->eof && !front_full(s, from) && s->wait == NULL &&
                room_for_replies(s, from) && (s->carrier == NULL || !ssp__carrier_full(s));
    switch (s->state) {
    case SSP_PREFACE:
        return from == SSP_ACCEPTED;
    case SSP_GREET:
    case SSP_DIAL:
        return open && from == SSP_ACCEPTED && room_early(s);
    case SSP_HOLD:
    case SSP_RELAY:
        return open && ssp__direction_flushed(d) && ssp__bytes_len(&d->pump.in) < SSP_WINDOW;
    case SSP_ABSORB:
        return from == SSP_ACCEPTED && !ssp__applicant_rests(s->applicant);
    case SSP_LINGER:
    case SSP_STATES:
        break;
    }
    return false;
}

static bool can_write(const struct ssp__session *s, enum ssp__side to)
{
    return !ssp__direction_flushed(&s->dir[ssp__other(to)]);
}

bool ssp__session_arm(struct ssp__session *s, enum ssp__side side)
{
    return ssp__stream_want(&s->side[side], can_read(s, side), can_write(s, side));
}
