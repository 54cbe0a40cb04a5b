/* SPDX-License-Identifier: Apache-2.0 */
/* Any string: no read or write past the end, errors point into it, and what was decoded means the
 * same when it is escaped and decoded again. */
#include "must.h"

#include <ssplugin/options.h>

#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096 };

static void add(char *text, size_t *len, const char *part)
{
    *len += ssp_options_escape(text + *len, 3 * INPUT_MAX - *len, part);
}

/* Decodes text, and writes its canonical form if again is not NULL.  Returns the last verdict. */
static int decode(const char *text, char *again)
{
    size_t cap = strlen(text) + 2, len = 0;
    char *buf = malloc(cap);
    const char *cursor = text;
    ssp_item item;
    int rc;
    must(buf != NULL);
    while ((rc = ssp_options_next(&cursor, buf, cap, &item)) == 1) {
        must(item.key[0] != '\0');
        add(again, &len, item.key);
        if (item.value != NULL)
            again[len++] = '=';
        if (item.value != NULL)
            add(again, &len, item.value);
        again[len++] = ';';
    }
    again[len] = '\0';
    must(cursor >= text && cursor <= text + strlen(text));
    must(rc == -1 || *cursor == '\0');
    free(buf);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char once[3 * INPUT_MAX + 1], twice[3 * INPUT_MAX + 1];
    if (size > INPUT_MAX)
        return 0;
    char *text = must_text(data, size);
    (void)decode(text, once);
    must(decode(once, twice) == 0);
    must(strcmp(once, twice) == 0);
    free(text);
    return 0;
}
