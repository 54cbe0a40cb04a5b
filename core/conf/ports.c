/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/ports.h"

#include "conf/text.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535 };

/* 0: text is no port. */
static uint16_t port_of(const char *text)
{
    char *end;
    unsigned long port = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    return port > 0 && port <= PORT_MAX && *end == '\0' ? (uint16_t)port : 0;
}

static int add(struct ss_conf *conf, uint16_t port, const char *password)
{
    struct ss_port_password *at =
        reallocarray(conf->ports, conf->port_count + 1, sizeof *conf->ports);
    if (at == NULL)
        return -1;
    conf->ports = at;
    at += conf->port_count;
    *at = (struct ss_port_password){.port = port, .password = strdup(password)};
    conf->port_count += at->password != NULL ? 1 : 0;
    return at->password != NULL ? 0 : -1;
}

int ss_ports_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    int rc = 0;
    if (!json_object_is_type(object, json_type_object)) {
        ss_complain(origin, "is not an object (expected {\"port\": \"password\", ...})");
        return -1;
    }
    json_object_object_foreach(object, key, value)
    {
        char quote[SS_QUOTE_MAX];
        uint16_t port = port_of(key);
        bool fits = port != 0 && json_object_is_type(value, json_type_string) &&
                    json_object_get_string_len(value) > 0;
        if (!fits) {
            ss_complain(origin, "%s has no port or no password (expected \"1..65535\": text)",
                        ss_quote(quote, key));
            rc = -1;
        } else if (add(conf, port, json_object_get_string(value)) == -1) {
            ss_complain(origin, "out of memory");
            rc = -1;
        }
    }
    return rc;
}

void ss_ports_release(struct ss_conf *conf)
{
    for (size_t i = 0; i < conf->port_count; i++)
        ss_text_drop(&conf->ports[i].password, true);
    free(conf->ports);
    conf->ports = NULL;
    conf->port_count = 0;
}
