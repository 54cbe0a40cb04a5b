/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/server_url.h"

#include "formats/url.h"

int ss_server_url_add(struct ss_conf *conf, const struct ss_origin *origin, const char *url)
{
    struct ss_server server;
    const char *why = ss_url_read(&server, url);
    server.open = true;
    if (why == NULL && ss_server_list_add(&conf->list, &server) == -1)
        why = "memory is out";
    if (why != NULL)
        ss_complain(origin, "not a usable ss:// URL: %s", why);
    ss_server_release(&server);
    return why == NULL ? 0 : -1;
}
