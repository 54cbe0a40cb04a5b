/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int wrap_items_begin(struct wrap_items *items, const char *options)
{
    const char *text = options != NULL ? options : "";
    size_t size = 2 * strlen(text) + 2; /* an item may need one byte more than it had */
    char *room = malloc(size);
    *items = (struct wrap_items){
        .options = text, .at = text, .room = room, .free = room, .size = room != NULL ? size : 0};
    return room != NULL ? 0 : -1;
}

int wrap_items_next(struct wrap_items *items, ssp_item *item)
{
    int rc = ssp_options_next(&items->at, items->free, strlen(items->at) + 2, item);
    if (rc == 1) {
        const char *last = item->value != NULL ? item->value : item->key;
        items->free += (last - items->free) + (ptrdiff_t)strlen(last) + 1;
    }
    return rc;
}

int wrap_items_malformed(const struct wrap_items *items, char *why, size_t why_cap)
{
    (void)snprintf(why, why_cap, "SS_PLUGIN_OPTIONS: malformed at byte %td",
                   items->at - items->options);
    return SSP_EXIT_CONFIG;
}

void wrap_items_end(struct wrap_items *items)
{
    if (items->room != NULL)
        explicit_bzero(items->room, items->size);
    free(items->room);
    *items = (struct wrap_items){.room = NULL};
}

bool wrap_same_name(const char *a, const char *b)
{
    while (*a != '\0' && (*a == '_' ? '-' : *a) == (*b == '_' ? '-' : *b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool wrap_flag(const char *value)
{
    static const char *const off[] = {"0", "false", "no", "off"};
    for (size_t i = 0; value != NULL && i < sizeof off / sizeof *off; i++) {
        if (strcmp(value, off[i]) == 0)
            return false;
    }
    return true;
}

unsigned wrap_seconds(const char *value, unsigned max)
{
    char *end;
    if (value == NULL || value[0] < '0' || value[0] > '9')
        return 0;
    unsigned long seconds = strtoul(value, &end, 10);
    return *end == '\0' && seconds <= max ? (unsigned)seconds : 0;
}

bool wrap_role(ssp_role *role, const char *key, const char *value)
{
    ssp_role said = strcmp(key, "server") == 0   ? SSP_SERVER
                    : strcmp(key, "client") == 0 ? SSP_CLIENT
                                                 : SSP_ROLE_UNKNOWN;
    if (said != SSP_ROLE_UNKNOWN && wrap_flag(value) && *role != SSP_SERVER)
        *role = said;
    return said != SSP_ROLE_UNKNOWN;
}
