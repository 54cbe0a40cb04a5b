/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 32 };

/* It hears our contract, not that of our host.  What our own host left of TOR_PT_* goes with it:
 * the host of ours passes on nothing that it does not know. */
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

static void add_client(struct list *l, const struct pt_wish *wish)
{
    add(l, "TOR_PT_CLIENT_TRANSPORTS=%s", wish->transport);
    if (wish->proxy != NULL)
        add(l, "TOR_PT_PROXY=%s", wish->proxy);
}

static void add_arguments(struct list *l, const struct pt_wish *wish)
{
    char *text = pt_args_server(&wish->args, wish->transport);
    if (text == NULL)
        l->failed = true;
    else
        add(l, "TOR_PT_SERVER_TRANSPORT_OPTIONS=%s", text);
    pt_args_forget(text);
}

/* The extended port has to be there even where there is none: empty then. */
static void add_server(struct list *l, const struct pt_wish *wish,
                       const struct pt_orport_door *door)
{
    char listen[PT_PLACE_MAX], dial[PT_PLACE_MAX];
    pt_place_format(listen, &wish->listen);
    pt_place_format(dial, &wish->dial);
    add(l, "TOR_PT_SERVER_TRANSPORTS=%s", wish->transport);
    add(l, "TOR_PT_SERVER_BINDADDR=%s-%s", wish->transport, listen);
    add(l, "TOR_PT_ORPORT=%s", dial);
    add(l, "TOR_PT_EXTENDED_SERVER_PORT=%s", door->at != NULL ? door->at : "");
    if (door->cookie != NULL)
        add(l, "TOR_PT_AUTH_COOKIE_FILE=%s", door->cookie);
    if (wish->args.n > 0)
        add_arguments(l, wish);
}

char **pt_environment(const struct pt_wish *wish, const char *state,
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
    if (wish->bind_v4 != NULL)
        add(&l, "TOR_PT_OUTBOUND_BIND_ADDRESS_V4=%s", wish->bind_v4);
    if (wish->bind_v6 != NULL)
        add(&l, "TOR_PT_OUTBOUND_BIND_ADDRESS_V6=[%s]", wish->bind_v6);
    if (wish->role == SSP_CLIENT)
        add_client(&l, wish);
    else
        add_server(&l, wish, door);
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
