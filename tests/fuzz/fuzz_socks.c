/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the SOCKS front, with and without UDP, with and without users.  Input: see
 * front_split.h. */
#include "front_split.h"
#include "must.h"
#include "proto/entrance.h"
#include "proto/socks.h"

static const struct ss_entrance *resolving(void)
{
    static struct ss_entrance e;
    if (e.names == NULL)
        e.names = ss_names_new();
    return &e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ss_account account = {"user", "word"};
    static const struct ss_entrance guarded = {.accounts = {&account, 1}};
    if (size < 1 || size > 2048)
        return 0;
    front_split_changes_nothing(&ss_socks_front, NULL, data, size, NULL);
    front_split_changes_nothing(&ss_socks_udp_front, NULL, data, size, NULL);
    front_split_changes_nothing(&ss_socks_udp_front, &guarded, data, size, NULL);
    front_split_changes_nothing(&ss_socks_front, resolving(), data, size, NULL);
    return 0;
}
