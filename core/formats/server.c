/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ss_secret_free(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

const char *ss_plugin_inside(const char *plugin)
{
    static const char prefix[] = "inline:";
    bool inside = plugin != NULL && strncmp(plugin, prefix, sizeof prefix - 1) == 0;
    return inside ? plugin + sizeof prefix - 1 : NULL;
}

void ss_server_release(struct ss_server *s)
{
    ss_secret_free(s->password);
    ss_secret_free(s->plugin_opts);
    free(s->method);
    free(s->plugin);
    free(s->name);
    free(s->id);
    for (size_t i = 0; i < s->users; i++) {
        free(s->user[i].name);
        ss_secret_free(s->user[i].key);
    }
    free(s->user);
    *s = (struct ss_server){.method = NULL};
}

void ss_server_list_release(struct ss_server_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        ss_server_release(&list->at[i]);
    free(list->at);
    *list = (struct ss_server_list){.n = 0};
}

/* Room for n more at the end. */
int ss_server_list_add(struct ss_server_list *list, struct ss_server *server)
{
    struct ss_server *at = reallocarray(list->at, list->n + 1, sizeof *at);
    if (at == NULL)
        return -1;
    list->at = at;
    at[list->n++] = *server;
    *server = (struct ss_server){.method = NULL};
    return 0;
}

const char *ss_server_label(const struct ss_server *s, char out[SS_LABEL_MAX])
{
    char where[SSP_HOST_MAX + 8];
    ssp__endpoint_format(&s->endpoint, where, sizeof where);
    if (s->name != NULL && *s->name != '\0')
        (void)snprintf(out, SS_LABEL_MAX, "%.200s (%s)", s->name, where);
    else
        (void)snprintf(out, SS_LABEL_MAX, "%s", where);
    return out;
}
