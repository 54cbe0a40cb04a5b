/* SPDX-License-Identifier: Apache-2.0 */
/* Any string as a host list and as host:port: it ends, nothing is read past the end, and what was
 * read is read again from its formatted form. */
#include "must.h"

#include "base/address.h"

#include <ssplugin/env.h>

#include <stdlib.h>
#include <string.h>

static void read_list(const char *text)
{
    char host[64];
    const char *cursor = text;
    size_t turns = 0;
    int rc;
    while ((rc = ssp_hosts_next(&cursor, host, sizeof host)) != 0) {
        must(cursor <= text + strlen(text));
        must(++turns <= strlen(text) + 1);
        must(rc == -1 || (host[0] != '\0' && strchr(host, '|') == NULL));
    }
    must(*cursor == '\0');
}

static void read_endpoint(const char *text, uint16_t default_port)
{
    struct ssp__endpoint e, again;
    char formatted[SSP_HOST_MAX + 8], host[SSP_HOST_MAX], host_again[SSP_HOST_MAX];
    if (ssp__endpoint_parse(&e, text, default_port) == -1)
        return;
    must(ssp__endpoint_host(&e, host)[0] != '\0' && e.port != 0);
    ssp__endpoint_format(&e, formatted, sizeof formatted);
    must(ssp__endpoint_parse(&again, formatted, 0) == 0);
    must(e.named == again.named && e.port == again.port);
    must(strcmp(ssp__endpoint_host(&e, host), ssp__endpoint_host(&again, host_again)) == 0);
}

static void read_address(const char *text)
{
    struct ssp__address a, again;
    struct ssp__endpoint e;
    char formatted[SSP_ADDRESS_TEXT_MAX];
    if (ssp__address_parse(&a, text, 443) == -1)
        return;
    ssp__address_format(&a, formatted, sizeof formatted);
    must(ssp__endpoint_parse(&e, formatted, 0) == 0 && e.port == 443);
    must(ssp__endpoint_address(&e, &again));
    must(a.len == again.len && memcmp(&a.u, &again.u, a.len) == 0);
    must(ssp__address_same(&a, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1024)
        return 0;
    char *text = must_text(data, size);
    read_list(text);
    read_endpoint(text, 0);
    read_endpoint(text, 80);
    read_address(text);
    int port = ssp_port_parse(text);
    must(port == -1 || (port >= 1 && port <= 65535));
    free(text);
    return 0;
}
