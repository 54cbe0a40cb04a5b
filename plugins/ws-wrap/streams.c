/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/streams.h"

#include "ws-wrap/mux_frame.h"

/* A client of v2ray opens no more in the life of a connection. */
enum { STREAMS_MAX = 128, DATA_MAX = 32768 };

struct streams_state {
    uint16_t session; /* whose data are being read */
    uint16_t left;    /* bytes of them */
    bool ignored;     /* they are no payload */
};

static ssp_carried look_for(const uint8_t *bytes, size_t n)
{
    int begins = ws_mux_begins(bytes, n);
    return begins == -1 ? SSP_CARRIES_UNKNOWN : begins == 1 ? SSP_CARRIES_SEVERAL : SSP_CARRIES_ONE;
}

static ssp_carried look_no_more(const uint8_t *bytes, size_t n)
{
    (void)bytes;
    (void)n;
    return SSP_CARRIES_SEVERAL;
}

static ptrdiff_t read_data(struct streams_state *s, const uint8_t *bytes, size_t n,
                           ssp_carrier_event *e)
{
    e->event = s->ignored ? SSP_STREAM_NONE : SSP_STREAM_SAYS;
    e->stream = s->session;
    e->data = bytes;
    e->n = n < s->left ? n : s->left;
    s->left = (uint16_t)(s->left - e->n);
    return (ptrdiff_t)e->n;
}

/* The target of a New is that of the client's program, whatever it says; packets have none. */
static ssp_stream_event event_of(const struct ws_mux_frame *f)
{
    switch (f->status) {
    case WS_MUX_NEW:
        return f->network == WS_MUX_UDP ? SSP_STREAM_REFUSED : SSP_STREAM_OPENS;
    case WS_MUX_END:
        return SSP_STREAM_ENDS;
    default:
        return SSP_STREAM_NONE;
    }
}

static ptrdiff_t read_event(void *state, const uint8_t *bytes, size_t n, ssp_carrier_event *e,
                            const char **why)
{
    struct streams_state *s = state;
    struct ws_mux_frame frame;
    size_t need;
    if (s->left > 0)
        return read_data(s, bytes, n, e);
    ptrdiff_t head = ws_mux_read(&frame, bytes, n, &need);
    if (head <= 0) {
        *why = head == -1 ? "mux: the client sends no frames of it; if the client has mux=0, so "
                            "may the server"
                          : NULL;
        return head;
    }
    e->event = event_of(&frame);
    e->stream = frame.session;
    s->session = frame.session;
    s->left = frame.data;
    s->ignored = frame.status == WS_MUX_ALIVE || frame.status == WS_MUX_END;
    return head;
}

static size_t write_head(void *state, const ssp_carrier_event *e,
                         uint8_t head[SSP_CARRIER_HEAD_MAX])
{
    struct ws_mux_frame frame = {.session = (uint16_t)e->stream, .status = WS_MUX_END};
    (void)state;
    if (e->event == SSP_STREAM_SAYS) {
        frame.status = WS_MUX_KEEP;
        frame.options = WS_MUX_DATA;
        frame.data = (uint16_t)e->n;
    } else if (e->event == SSP_STREAM_FAILS) {
        frame.options = WS_MUX_ERROR;
    }
    return ws_mux_write(&frame, head);
}

#define STREAMS(look_)                                                                             \
    {                                                                                              \
        .size = sizeof(ssp_carrier), .streams = STREAMS_MAX,                                       \
        .state_size = sizeof(struct streams_state), .head_size = WS_MUX_HEAD,                      \
        .data_max = DATA_MAX, .look = (look_), .read = read_event, .write = write_head             \
    }

const ssp_carrier ws_streams_found = STREAMS(look_for);
const ssp_carrier ws_streams_only = STREAMS(look_no_more);
