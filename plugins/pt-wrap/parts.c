/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/parts.h"

#include "pt-wrap/socks.h"

#include <ssplugin/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ssp_codec *pt_part(const char *name)
{
    if (strcmp(name, PT_PART_SOCKS) == 0)
        return &pt_socks;
    return strcmp(name, PT_PART_ORPORT) == 0 ? &pt_orport : NULL;
}

/* Returns 0, or -1 when memory is out. */
static int put(FILE *out, const char *key, const char *value)
{
    size_t cap = 2 * strlen(value) + 1;
    char *escaped = malloc(cap);
    if (escaped == NULL)
        return -1;
    (void)ssp_options_escape(escaped, cap, value);
    (void)fprintf(out, "%s=%s;", key, escaped);
    pt_args_forget(escaped);
    return 0;
}

static void put_shared(FILE *out, const struct pt_request *request)
{
    if (request->timeout_s > 0)
        (void)fprintf(out, "t=%u;", request->timeout_s);
    if (request->verbose)
        (void)fputs("v;", out);
}

static char *finish(FILE *out, char **text, bool failed)
{
    failed = ferror(out) != 0 || failed;
    if (fclose(out) == 0 && !failed)
        return *text;
    pt_args_forget(*text);
    return NULL;
}

char *pt_part_socks_options(const struct pt_request *request, bool socks4)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    bool failed = put(out, "host", request->env->remote_host) == -1 ||
                  put(out, "port", request->env->remote_port) == -1 ||
                  (request->socks_args != NULL && put(out, "args", request->socks_args) == -1);
    (void)fprintf(out, "handshake=%u;patience=%u;", request->socks_s, request->socks_s);
    if (socks4)
        (void)fputs("socks4;", out);
    put_shared(out, request);
    return finish(out, &text, failed);
}

char *pt_part_orport_options(const struct pt_request *request, const uint8_t cookie[PT_COOKIE])
{
    char *text = NULL, public_at[PT_PLACE_MAX];
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    (void)fputs("cookie=", out);
    for (size_t i = 0; i < PT_COOKIE; i++)
        (void)fprintf(out, "%02x", cookie[i]);
    pt_place_format(public_at, &request->listen);
    (void)fprintf(out, ";public=%s;", public_at);
    if (request->proxy_protocol)
        (void)fputs("proxy-protocol;", out);
    put_shared(out, request);
    return finish(out, &text, false);
}
