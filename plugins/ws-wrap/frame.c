/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/frame.h"

#include <string.h>

enum { FINAL = 0x80, MASKED = 0x80, LENGTH = 0x7f, LEN_16 = 126, LEN_64 = 127, FIXED = 2 };

static size_t length_bytes(uint8_t second)
{
    switch (second & LENGTH) {
    case LEN_16:
        return sizeof(uint16_t);
    case LEN_64:
        return sizeof(uint64_t);
    default:
        return 0;
    }
}

size_t ws_frame_read(struct ws_frame *frame, const uint8_t *wire, size_t n, size_t *need)
{
    *need = FIXED;
    if (n < FIXED)
        return 0;
    bool masked = (wire[1] & MASKED) != 0;
    size_t extended = length_bytes(wire[1]);
    *frame = (struct ws_frame){.final = (wire[0] & FINAL) != 0,
                               .reserved = wire[0] >> 4 & 7,
                               .opcode = wire[0] & 15,
                               .masked = masked,
                               .len = extended == 0 ? (uint64_t)(wire[1] & LENGTH) : 0};
    *need = FIXED + extended + (masked ? WS_KEY_LEN : 0);
    if (n < *need)
        return 0;
    for (size_t i = 0; i < extended; i++)
        frame->len = frame->len << 8 | wire[FIXED + i];
    if (masked)
        memcpy(frame->key, wire + FIXED + extended, WS_KEY_LEN);
    return *need;
}

size_t ws_frame_write(const struct ws_frame *frame, uint8_t head[WS_HEAD_MAX])
{
    size_t extended = frame->len < LEN_16        ? 0
                      : frame->len <= UINT16_MAX ? sizeof(uint16_t)
                                                 : sizeof(uint64_t);
    uint8_t len = extended == 0   ? (uint8_t)frame->len
                  : extended == 2 ? (uint8_t)LEN_16
                                  : (uint8_t)LEN_64;
    head[0] = (uint8_t)((frame->final ? FINAL : 0) | frame->reserved << 4 | frame->opcode);
    head[1] = (uint8_t)((frame->masked ? MASKED : 0) | len);
    for (size_t i = 0; i < extended; i++)
        head[FIXED + i] = (uint8_t)(frame->len >> 8 * (extended - 1 - i));
    if (frame->masked)
        memcpy(head + FIXED + extended, frame->key, WS_KEY_LEN);
    return FIXED + extended + (frame->masked ? WS_KEY_LEN : 0);
}

size_t ws_frame_control(struct ws_frame frame, const void *payload,
                        uint8_t wire[WS_HEAD_MAX + WS_CONTROL_MAX])
{
    frame.final = true;
    size_t head = ws_frame_write(&frame, wire);
    ws_mask(wire + head, payload, (size_t)frame.len, frame.key);
    return head + (size_t)frame.len;
}

/* RFC 6455, 7.4, and what has been registered since: 1012 to 1014. */
static bool may_be_sent(unsigned code)
{
    bool named = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    return named || (code >= 3000 && code <= 4999);
}

unsigned ws_close_code(const uint8_t *payload, size_t n)
{
    if (n == 0)
        return WS_NO_CODE;
    if (n < WS_CODE_LEN)
        return 0;
    unsigned code = (unsigned)payload[0] << 8 | payload[1];
    return may_be_sent(code) ? code : 0;
}
