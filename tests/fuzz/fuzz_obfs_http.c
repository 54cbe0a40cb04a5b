/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses who listens; see obfs_split.h for the others. */
#include "must.h"
#include "obfs_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct obfs_conf confs[] = {
        {.mode = OBFS_HTTP},
        {.mode = OBFS_HTTP, .host = "www.bing.com", .method = "GET"},
        {.mode = OBFS_HTTP, .host = "2001:db8::1", .reverse_proxy = 1},
    };
    if (size < 1)
        return 0;
    const ssp_codec *codec = data[0] % 4 == 3 ? &obfs_local : &obfs_server;
    obfs_split_changes_nothing(codec, &confs[data[0] % 4 % 3], data + 1, size - 1);
    return 0;
}
