/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/preface.h"

#include "relay/client.h"
#include "relay/crowd.h"
#include <ssplugin/log.h>

enum { PEEKED = 512 };

bool ssp__preface_begin(struct ssp__session *s)
{
    const struct ssp__preface *preface = s->service->preface;
    s->greeting->preface = ssp__slab_take(&s->worker->pool.slabs, preface->state_size);
    return s->greeting->preface != NULL;
}

void ssp__preface_end(struct ssp__session *s)
{
    if (s->greeting == NULL || s->greeting->preface == NULL)
        return;
    ssp__slab_give(&s->worker->pool.slabs, s->greeting->preface, s->service->preface->state_size);
    s->greeting->preface = NULL;
}

static void log_refusal(const struct ssp__session *s, const char *why)
{
    struct ssp__address sender;
    char text[SSP_ADDRESS_TEXT_MAX];
    ssp__stream_peer_address(&s->side[SSP_ACCEPTED], &sender);
    ssp__stream_peer(&s->side[SSP_ACCEPTED], text, sizeof text);
    if (ssp__log_limit_take_of(s->worker->refusals, &sender))
        ssp_error("%s of %s: %s; connection refused", s->service->preface->name, text, why);
}

static void refuse(struct ssp__session *s, const char *why)
{
    ssp__count(&s->instance->meter->counters.failed, 1);
    log_refusal(s, why);
    s->broken = true;
}

void ssp__preface_expired(struct ssp__session *s)
{
    refuse(s, "none came in time");
}

void ssp__preface_displaced(struct ssp__session *s)
{
    refuse(s, "none came before the connection had to make room");
}

/* It has been admitted as a connection of its sender; now it is one of its client.  It is out of
 * the crowd while room is made, so that it does not end for itself. */
static bool admit(struct ssp__session *s, const struct ssp__address *told)
{
    const struct ssp__service *service = s->service;
    struct ssp__worker *w = s->worker;
    struct ssp__address client;
    if (told->len > 0) {
        s->client = ssp__slab_take(&w->pool.slabs, sizeof *s->client);
        s->broken = s->client == NULL;
        if (s->broken)
            return false;
        *s->client = *told;
    }
    ssp__session_client(s, &client);
    if (service->admit != NULL && !service->admit(service->plan_arg, &client, w->refusals)) {
        s->broken = true;
        return false;
    }
    const struct ssp__address *source =
        s->client != NULL ? ssp__crowd_source(service, s->client) : NULL;
    ssp__admission_leave(w->admission, &s->applicant);
    ssp__crowd_make_room(w, service, source, s->side[SSP_ACCEPTED].fd);
    s->applicant = ssp__admission_enter(w->admission, source, s);
    s->broken = s->applicant == NULL;
    return !s->broken;
}

bool ssp__preface_read(struct ssp__session *s)
{
    struct ssp__stream *side = &s->side[SSP_ACCEPTED];
    struct ssp__address client = {.len = 0};
    enum ssp__preface_verdict verdict;
    do {
        uint8_t bytes[PEEKED];
        struct ssp__preface_step step = {.client = &client};
        ssize_t n = ssp__stream_peek(side, bytes, sizeof bytes);
        if (n <= 0) {
            s->broken =
                n != SSP_AGAIN; /* an end, as of a sender that looks whether the port is open */
            return false;
        }
        verdict = s->service->preface->feed(s->greeting->preface, bytes, (size_t)n, &step);
        if (verdict == SSP_PREFACE_REFUSED) {
            refuse(s, step.why);
            return false;
        }
        (void)ssp__stream_discard(side, step.used);
    } while (verdict == SSP_PREFACE_MORE);
    ssp__preface_end(s);
    return admit(s, &client);
}
