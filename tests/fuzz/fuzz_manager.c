/* SPDX-License-Identifier: Apache-2.0 */
/* Any datagram to ss-manager: what is taken is complete, reads as itself, and is listed as JSON. */
#include "must.h"

#include "manager/listing.h"
#include "manager/request.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* A list of one port is read back as it was. */
static void check_list(void *arg, const char *text, size_t len)
{
    const char *password = arg;
    json_tokener *tokener = json_tokener_new();
    json_object *list = json_tokener_parse_ex(tokener, text, (int)len), *port, *value;
    must(json_object_is_type(list, json_type_array) && json_object_array_length(list) == 1);
    port = json_object_array_get_idx(list, 0);
    must(json_object_object_get_ex(port, "password", &value));
    must(strlen(password) > 4096 || strcmp(json_object_get_string(value), password) == 0);
    json_object_put(list);
    json_tokener_free(tokener);
}

static void list(uint16_t port, const char *settings)
{
    static struct ss_listing l;
    json_object *object = json_tokener_parse(settings), *password = NULL;
    must(object != NULL && json_object_object_get_ex(object, "password", &password));
    const char *text = json_object_get_string(password);
    must(*text != '\0');
    ss_listing_begin_ports(&l, check_list, (void *)(uintptr_t)text);
    ss_listing_port(&l, port, text, "aes-256-gcm");
    ss_listing_end(&l);
    json_object_put(object);
}

static void check_add(const struct ss_request *r)
{
    struct ss_request again;
    must(r->port != 0 && r->settings != NULL);
    ss_request_settings_read(&again, r->settings, strlen(r->settings));
    must(!again.malformed && again.port == r->port);
    must(strcmp(again.settings, r->settings) == 0);
    must((again.plugin == NULL) == (r->plugin == NULL));
    ss_request_release(&again);
    list(r->port, r->settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_request r;
    if (size > SS_REQUEST_MAX)
        return 0;
    char *bytes = malloc(size + (size == 0));
    must(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    ss_request_read(&r, bytes, size);
    if (r.verb == SS_VERB_ADD && !r.malformed)
        check_add(&r);
    else if (r.verb == SS_VERB_REMOVE || r.verb == SS_VERB_STAT)
        must(r.malformed || r.port != 0);
    else
        must(r.settings == NULL || r.malformed);
    ss_request_release(&r);
    free(bytes);
    return 0;
}
