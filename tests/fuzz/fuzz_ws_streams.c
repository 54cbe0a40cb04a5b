/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of mux.cool from unknown clients, in any pieces.  The first two bytes say where they are
 * cut: the cut changes neither the events nor the data.
 */
#include "must.h"

#include "ws-wrap/streams.h"

#include <stdlib.h>
#include <string.h>

enum { PREFACE = 2 };

/* The events without data that have been read, each as five bytes, and the data of all streams. */
struct heard {
    void *state;
    uint8_t *events, *data;
    size_t event_len, data_len;
    bool failed;
};

static void note(struct heard *h, const ssp_carrier_event *e)
{
    if (e->event == SSP_STREAM_SAYS) {
        memcpy(h->data + h->data_len, e->data, e->n);
        h->data_len += e->n;
    } else if (e->event != SSP_STREAM_NONE) {
        h->events[h->event_len++] = (uint8_t)e->event;
        memcpy(h->events + h->event_len, &e->stream, sizeof e->stream);
        h->event_len += sizeof e->stream;
    }
}

/* Returns the bytes that it leaves. */
static size_t hear(struct heard *h, const uint8_t *bytes, size_t n)
{
    while (n > 0 && !h->failed) {
        ssp_carrier_event e = {.event = SSP_STREAM_NONE};
        const char *why = NULL;
        ptrdiff_t used = ws_streams_found.read(h->state, bytes, n, &e, &why);
        must(used >= -1 && used <= (ptrdiff_t)n && (used == -1) == (why != NULL));
        must(used != 0 || n < SSP_CARRIER_EVENT_MAX);
        if (used == 0)
            break;
        h->failed = used == -1;
        if (used > 0) {
            must(e.n == 0 || (e.data >= bytes && e.data + e.n <= bytes + n));
            note(h, &e);
            bytes += used;
            n -= (size_t)used;
        }
    }
    return n;
}

static void begin(struct heard *h, size_t n)
{
    *h = (struct heard){.state = calloc(1, ws_streams_found.state_size),
                        .events = malloc(n + 5),
                        .data = malloc(n + 1)};
    must(h->state != NULL && h->events != NULL && h->data != NULL);
}

static void release(struct heard *h)
{
    free(h->state);
    free(h->events);
    free(h->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct heard whole, parts;
    if (size < PREFACE + 1)
        return 0;
    const uint8_t *bytes = input + PREFACE;
    size_t n = size - PREFACE, cut = ((size_t)input[0] << 8 | input[1]) % (n + 1);
    (void)ws_streams_found.look(bytes, n);
    begin(&whole, n);
    begin(&parts, n);
    size_t left = hear(&whole, bytes, n), kept = hear(&parts, bytes, cut);
    size_t rest = hear(&parts, bytes + cut - kept, n - cut + kept);
    must(whole.failed == parts.failed && (whole.failed || left == rest));
    must(whole.event_len == parts.event_len && whole.data_len == parts.data_len);
    must(memcmp(whole.events, parts.events, whole.event_len) == 0);
    must(memcmp(whole.data, parts.data, whole.data_len) == 0);
    release(&whole);
    release(&parts);
    return 0;
}
