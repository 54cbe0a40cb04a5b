/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/utf8.h"

static const struct lead {
    uint8_t first, last; /* of the first byte */
    struct ws_utf8 follows;
} leads[] = {
    {0x00, 0x7f, {0, 0, 0}},       {0xc2, 0xdf, {1, 0x80, 0xbf}}, {0xe0, 0xe0, {2, 0xa0, 0xbf}},
    {0xe1, 0xec, {2, 0x80, 0xbf}}, {0xed, 0xed, {2, 0x80, 0x9f}}, {0xee, 0xef, {2, 0x80, 0xbf}},
    {0xf0, 0xf0, {3, 0x90, 0xbf}}, {0xf1, 0xf3, {3, 0x80, 0xbf}}, {0xf4, 0xf4, {3, 0x80, 0x8f}},
};

static bool begin(struct ws_utf8 *text, uint8_t byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            *text = leads[i].follows;
            return true;
        }
    }
    return false;
}

static bool go_on(struct ws_utf8 *text, uint8_t byte)
{
    bool fits = byte >= text->low && byte <= text->high;
    *text = (struct ws_utf8){(uint8_t)(text->missing - 1), 0x80, 0xbf};
    return fits;
}

bool ws_utf8_accepts(struct ws_utf8 *text, const uint8_t *bytes, size_t n)
{
    bool fits = true;
    for (size_t i = 0; i < n && fits; i++)
        fits = text->missing > 0 ? go_on(text, bytes[i]) : begin(text, bytes[i]);
    return fits;
}

bool ws_utf8_whole(const struct ws_utf8 *text)
{
    return text->missing == 0;
}
