/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a URL: what is read is written, read again, and the same. */
#include "must.h"

#include "formats/url.h"

static bool same(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* An empty name is not written. */
static const char *shown(const char *name)
{
    return name != NULL && *name != '\0' ? name : NULL;
}

static void compare(const struct ss_server *a, const struct ss_server *b)
{
    char where[2][SSP_HOST_MAX + 8];
    ssp__endpoint_format(&a->endpoint, where[0], sizeof where[0]);
    ssp__endpoint_format(&b->endpoint, where[1], sizeof where[1]);
    must(same(where[0], where[1]));
    must(same(a->method, b->method) && same(a->password, b->password));
    must(same(a->plugin, b->plugin) && same(a->plugin_opts, b->plugin_opts));
    must(same(shown(a->name), shown(b->name)));
    must(a->prefix_len == b->prefix_len && memcmp(a->prefix, b->prefix, a->prefix_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SS_URL_MAX + 16)
        return 0;
    struct ss_server first, second;
    char *text = must_text(data, size);
    if (ss_url_read(&first, text) == NULL) {
        must(first.endpoint.port != 0 && first.method != NULL && *first.method != '\0');
        char *url = ss_url_write(&first);
        must(url != NULL && ss_url_is(url));
        if (strlen(url) <= SS_URL_MAX) { /* encoded, it may be longer */
            must(ss_url_read(&second, url) == NULL);
            compare(&first, &second);
            ss_server_release(&second);
        }
        ss_secret_free(url);
    }
    ss_server_release(&first);
    free(text);
    return 0;
}
