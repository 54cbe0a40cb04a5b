/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/mux_frame.h"

/* Where the fields of a head are. */
enum { SESSION = 2, STATUS = 4, OPTIONS = 5, NETWORK = 6, TYPE = 9, NAME = 10, METADATA_MAX = 512 };

static size_t number_at(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

ptrdiff_t ws_mux_read(struct ws_mux_frame *frame, const uint8_t *bytes, size_t n, size_t *need)
{
    size_t metadata = n >= WS_MUX_LENGTH ? number_at(bytes) : WS_MUX_FIXED;
    if (metadata < WS_MUX_FIXED || metadata > METADATA_MAX)
        return -1;
    *need = WS_MUX_LENGTH + metadata;
    if (n < *need)
        return 0;
    *frame = (struct ws_mux_frame){.session = (uint16_t)number_at(bytes + SESSION),
                                   .status = bytes[STATUS],
                                   .options = bytes[OPTIONS]};
    if (frame->status < WS_MUX_NEW || frame->status > WS_MUX_ALIVE)
        return -1;
    if (frame->status == WS_MUX_NEW && metadata > WS_MUX_FIXED)
        frame->network = bytes[NETWORK];
    if ((frame->options & WS_MUX_DATA) == 0)
        return (ptrdiff_t)*need;
    *need += WS_MUX_LENGTH;
    if (n < *need)
        return 0;
    frame->data = (uint16_t)number_at(bytes + *need - WS_MUX_LENGTH);
    return (ptrdiff_t)*need;
}

size_t ws_mux_write(const struct ws_mux_frame *frame, uint8_t head[WS_MUX_HEAD])
{
    head[0] = 0;
    head[1] = WS_MUX_FIXED;
    head[SESSION] = (uint8_t)(frame->session >> 8);
    head[SESSION + 1] = (uint8_t)frame->session;
    head[STATUS] = frame->status;
    head[OPTIONS] = frame->options;
    if ((frame->options & WS_MUX_DATA) == 0)
        return WS_MUX_LENGTH + WS_MUX_FIXED;
    head[WS_MUX_HEAD - 2] = (uint8_t)(frame->data >> 8);
    head[WS_MUX_HEAD - 1] = (uint8_t)frame->data;
    return WS_MUX_HEAD;
}

/* The least metadata of a New with this type of address. */
static size_t metadata_of_new(const uint8_t *bytes, size_t n)
{
    enum { BEFORE_ADDRESS = 8, A_NAME = 2 };
    static const uint8_t address[] = {0, 4, 1, 16};
    uint8_t type = bytes[TYPE];
    return BEFORE_ADDRESS + (size_t)address[type] +
           (type == A_NAME && n > NAME ? (size_t)bytes[NAME] : 0);
}

/* A field of a New, as far as it is alone to judge. */
static bool fits(const uint8_t *bytes, size_t at)
{
    enum { LEAST = 10 };
    switch (at) {
    case 0:
        return bytes[0] <= METADATA_MAX >> 8;
    case 1:
        return number_at(bytes) >= LEAST && number_at(bytes) <= METADATA_MAX;
    case STATUS:
        return bytes[at] == WS_MUX_NEW;
    case OPTIONS:
        return bytes[at] <= WS_MUX_DATA;
    case NETWORK:
        return bytes[at] == 1 || bytes[at] == WS_MUX_UDP;
    case TYPE:
        return bytes[at] >= 1 && bytes[at] <= 3;
    default:
        return true;
    }
}

int ws_mux_begins(const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at <= TYPE && at < n; at++) {
        if (!fits(bytes, at))
            return 0;
    }
    if (n <= NAME)
        return -1;
    return number_at(bytes) >= metadata_of_new(bytes, n);
}
