/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the SOCKS front, with and without UDP.  Input: see front_split.h. */
#include "front_split.h"
#include "must.h"
#include "proto/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 2048)
        return 0;
    front_split_changes_nothing(&ss_socks_front, NULL, data, size, NULL);
    front_split_changes_nothing(&ss_socks_udp_front, NULL, data, size, NULL);
    return 0;
}
