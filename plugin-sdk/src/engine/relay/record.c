/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/record.h"

#include "relay/client.h"

void ssp__record_begin(struct ssp__session *s)
{
    struct ssp__worker *w = s->worker;
    if (s->service->access_log == NULL)
        return;
    s->record = ssp__slab_take(&w->pool.slabs, sizeof *s->record);
    if (s->record == NULL)
        return;
    s->record->log = s->service->access_log;
    s->record->began_ms = ssp__loop_now_ms(w->loop);
    ssp__session_client(s, &s->record->client); /* a socket that is reset tells none any more */
}

void ssp__record_target(struct ssp__session *s)
{
    struct ssp__access_record *r = s->record;
    if (r == NULL || s->service->front == NULL)
        return;
    r->target = s->greeting->front.target.endpoint;
    r->targeted = true;
}

static const char *reason(const struct ssp__session *s)
{
    if (s->broken)
        return "error";
    if (s->dead[SSP_ACCEPTED])
        return "client-reset";
    if (s->dead[SSP_DIALED])
        return "target-reset";
    bool cut = s->dir[SSP_ACCEPTED].state == SSP_CUT || s->dir[SSP_DIALED].state == SSP_CUT;
    return cut ? "protocol" : "closed";
}

void ssp__record_end(struct ssp__session *s)
{
    struct ssp__access_record *r = s->record;
    if (r == NULL)
        return;
    ssp__record_reason(s, reason(s));
    if (s->client != NULL)
        r->client = *s->client;
    r->user = s->conn.user;
    r->ended_ms = ssp__loop_now_ms(s->worker->loop);
    r->log->note(r->log->arg, r);
    ssp__slab_give(&s->worker->pool.slabs, r, sizeof *r);
    s->record = NULL;
}
