/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a list of servers: each that is taken is complete, and written as a URL. */
#include "must.h"

#include "formats/list.h"
#include "formats/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_server_list list;
    char why[SS_LIST_WHY_MAX] = "";
    if (size > 65536)
        return 0;
    char *text = must_text(data, size);
    int rc = ss_list_read(&list, text, size, NULL, why);
    must(rc == 0 ? list.n > 0 : list.n == 0 && why[0] != '\0');
    for (size_t i = 0; i < list.n; i++) {
        must(list.at[i].method != NULL && list.at[i].password != NULL);
        must(list.at[i].endpoint.port != 0 && list.at[i].prefix_len <= SS_PREFIX_MAX);
        char *url = ss_url_write(&list.at[i]);
        must(url != NULL && ss_url_is(url));
        ss_secret_free(url);
    }
    ss_server_list_release(&list);
    free(text);
    return 0;
}
