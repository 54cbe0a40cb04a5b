/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a file of Clash or sing-box: it ends, and each server that is taken is complete and
 * is read again from the entry that is written. */
#include "must.h"

#include "formats/entry.h"
#include "formats/foreign.h"

static void read_again(const struct ss_server *server)
{
    char why[SS_ENTRY_WHY_MAX];
    struct ss_server again;
    must(server->method != NULL && server->password != NULL && server->endpoint.port != 0);
    json_object *entry = ss_entry_write(server, true);
    if (ss_entry_read(&again, entry, NULL, why) == 0) /* a host may be none in a file of ours */
        must(strcmp(again.method, server->method) == 0 &&
             strcmp(again.password, server->password) == 0 &&
             again.endpoint.port == server->endpoint.port);
    ss_server_release(&again);
    json_object_put(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_server_list list;
    char why[SS_LIST_WHY_MAX] = "";
    if (size > 65536)
        return 0;
    char *text = must_text(data, size);
    int rc = ss_foreign_read(&list, text, size, NULL, why);
    must(rc == 0 ? list.n > 0 : list.n == 0 && why[0] != '\0');
    for (size_t i = 0; i < list.n; i++)
        read_again(&list.at[i]);
    ss_server_list_release(&list);
    free(text);
    return 0;
}
