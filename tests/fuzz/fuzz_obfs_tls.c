/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses who listens; see obfs_split.h for the others. */
#include "must.h"
#include "obfs_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct obfs_conf conf = {.mode = OBFS_TLS};
    if (size < 1)
        return 0;
    const ssp_codec *codec = data[0] % 2 == 1 ? &obfs_local : &obfs_server;
    obfs_split_changes_nothing(codec, &conf, data + 1, size - 1);
    return 0;
}
