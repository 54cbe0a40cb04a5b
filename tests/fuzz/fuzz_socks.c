/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the SOCKS front, with and without UDP.  Input: see front_split.h. */
#include "front_split.h"
#include "must.h"
#include "proto/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 2048)
        return 0;
    for (int udp = 0; udp < 2; udp++) {
        const struct ss_socks_conf conf = {.udp = udp != 0};
        front_split_changes_nothing(&ss_socks_front, &conf, data, size, NULL);
    }
    return 0;
}
