/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 32 };

/* The transport program gets the variables of pt-wrap, not those of the host.  TOR_PT_* of the
 * host's environment is removed: ssp_host passes on known variables only. */
static const char *const hidden[] = {
    "SS_REMOTE_HOST", "SS_REMOTE_PORT",      "SS_LOCAL_HOST",
    "SS_LOCAL_PORT",  "SS_PLUGIN_OPTIONS",   "SS_PLUGIN_ROLE",
    "SS_PLUGIN_MODE", "SS_PLUGIN_NOTIFY_FD", "SS_EXIT_ON_STDIN_CLOSE",
};

struct list {
    char **entry;
    size_t n;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct list *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vasprintf(&l->entry[l->n], format, args) == -1) {
        l->entry[l->n] = NULL;
        l->failed = true;
    } else {
        l->n++;
    }
    va_end(args);
}

static void add_client(struct list *l, const struct pt_request *request)
{
    add(l, "TOR_PT_CLIENT_TRANSPORTS=%s", request->transport);
    if (request->proxy != NULL)
        add(l, "TOR_PT_PROXY=%s", request->proxy);
}

static void add_arguments(struct list *l, const struct pt_request *request)
{
    char *text = pt_args_server(&request->args, request->transport);
    if (text == NULL)
        l->failed = true;
    else
        add(l, "TOR_PT_SERVER_TRANSPORT_OPTIONS=%s", text);
    pt_args_forget(text);
}

/* The variable of the extended port must be set: empty without one. */
static void add_server(struct list *l, const struct pt_request *request,
                       const struct pt_orport_door *door)
{
    char listen[PT_PLACE_MAX], dial[PT_PLACE_MAX];
    pt_place_format(listen, &request->listen);
    pt_place_format(dial, &request->dial);
    add(l, "TOR_PT_SERVER_TRANSPORTS=%s", request->transport);
    add(l, "TOR_PT_SERVER_BINDADDR=%s-%s", request->transport, listen);
    add(l, "TOR_PT_ORPORT=%s", dial);
    add(l, "TOR_PT_EXTENDED_SERVER_PORT=%s", door->at != NULL ? door->at : "");
    if (door->cookie != NULL)
        add(l, "TOR_PT_AUTH_COOKIE_FILE=%s", door->cookie);
    if (request->args.n > 0)
        add_arguments(l, request);
}

char **pt_environment(const struct pt_request *request, const char *state,
                      const struct pt_orport_door *door)
{
    struct list l = {.entry = calloc(LIST_MAX, sizeof *l.entry)};
    if (l.entry == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        add(&l, "%s", hidden[i]);
    add(&l, "TOR_PT_MANAGED_TRANSPORT_VER=1");
    add(&l, "TOR_PT_STATE_LOCATION=%s", state);
    add(&l, "TOR_PT_EXIT_ON_STDIN_CLOSE=1");
    if (request->bind_v4 != NULL)
        add(&l, "TOR_PT_OUTBOUND_BIND_ADDRESS_V4=%s", request->bind_v4);
    if (request->bind_v6 != NULL)
        add(&l, "TOR_PT_OUTBOUND_BIND_ADDRESS_V6=[%s]", request->bind_v6);
    if (request->role == SSP_CLIENT)
        add_client(&l, request);
    else
        add_server(&l, request, door);
    if (!l.failed)
        return l.entry;
    pt_environment_free(l.entry);
    return NULL;
}

void pt_environment_free(char **list)
{
    for (char **e = list; e != NULL && *e != NULL; e++)
        pt_args_forget(*e);
    free(list);
}
