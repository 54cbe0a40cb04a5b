/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/mux.h"

enum { NEW = 1, FIXED = 10, METADATA_MAX = 512, NAME = 2 };

/* Bytes of metadata, from the session's number to the end of the address. */
static size_t metadata(const uint8_t *bytes, size_t n)
{
    static const uint8_t with_address[] = {0, 8 + 4, 8 + 1, 8 + 16};
    uint8_t type = bytes[9];
    if (type == 0 || type >= sizeof with_address)
        return METADATA_MAX + 1;
    return (size_t)with_address[type] + (type == NAME && n > FIXED ? bytes[FIXED] : 0);
}

bool ws_mux_begins(const uint8_t *bytes, size_t n)
{
    if (n < FIXED)
        return false;
    size_t len = (size_t)bytes[0] << 8 | bytes[1];
    return len <= METADATA_MAX && bytes[4] == NEW && bytes[5] <= 1 &&
           (bytes[6] == 1 || bytes[6] == 2) && len >= metadata(bytes, n);
}
