/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as JSON5: it ends within its room, and what json-c takes strictly stays the same value.
 */
#include "must.h"

#include "formats/json5.h"

#include <json-c/json.h>
#include <string.h>

/* The value of a text that json-c takes, or NULL. */
static json_object *parse(const char *text, size_t len, int flags)
{
    json_tokener *tokener = json_tokener_new_ex(64);
    must(tokener != NULL);
    json_tokener_set_flags(tokener, flags);
    json_object *value = json_tokener_parse_ex(tokener, text, (int)len);
    bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
                 json_tokener_get_parse_end(tokener) == len;
    json_tokener_free(tokener);
    if (!whole)
        json_object_put(value);
    return whole ? value : NULL;
}

/* json-c takes NaN, even strictly, and NaN is not equal to itself: then the texts are compared. */
static bool equal(json_object *a, json_object *b)
{
    return json_object_equal(a, b) == 1 ||
           strcmp(json_object_to_json_string(a), json_object_to_json_string(b)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char *text = must_text(data, size);
    struct ss_json5 json;
    must(ss_json5_rewrite(&json, text, size) == 0);
    must(json.found == NULL || json.at < size);
    json_object *strict = parse(text, size, JSON_TOKENER_STRICT);
    if (strict != NULL) {
        json_object *same = parse(json.text, json.len, JSON_TOKENER_STRICT);
        must(same != NULL && equal(strict, same));
        json_object_put(same);
    }
    json_object_put(strict);
    free(json.text);
    free(text);
    return 0;
}
