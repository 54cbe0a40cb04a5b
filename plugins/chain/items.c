/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/items.h"

#include "wrap/options.h"

#include <stdlib.h>
#include <string.h>

void items_add(struct items *items, const char *key, const char *value)
{
    size_t had = items->text != NULL ? strlen(items->text) : 0;
    size_t keys = ssp_options_escape(NULL, 0, key);
    size_t values = value != NULL ? ssp_options_escape(NULL, 0, value) : 0;
    char *grown = realloc(items->text, had + keys + values + sizeof ";=");
    if (grown == NULL) {
        items->failed = 1;
        return;
    }
    items->text = grown;
    char *end = grown + had;
    if (had > 0)
        *end++ = ';';
    end += ssp_options_escape(end, keys + 1, key);
    if (value != NULL) {
        *end++ = '=';
        (void)ssp_options_escape(end, values + 1, value);
    }
}

void items_release(struct items *items)
{
    if (items->text != NULL)
        explicit_bzero(items->text, strlen(items->text));
    free(items->text);
    *items = (struct items){.text = NULL};
}

int items_each(const char *options, items_fn *fn, void *arg, int *at)
{
    struct wrap_items items;
    ssp_item item;
    int more = -1, rc = 0;
    *at = -1;
    if (wrap_items_begin(&items, options) == -1)
        return -1;
    while (rc == 0 && (more = wrap_items_next(&items, &item)) == 1)
        rc = fn(arg, item.key, item.value);
    if (more == -1)
        *at = (int)(items.at - items.options);
    wrap_items_end(&items);
    return rc != 0 ? rc : more;
}
