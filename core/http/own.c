/* SPDX-License-Identifier: Apache-2.0 */
#include "http/own.h"

#include "http/basic.h"
#include "http/exposition.h"
#include "http/page.h"

#include <stdlib.h>
#include <string.h>

enum { OK = 200, UNAUTHORIZED = 401, NOT_FOUND = 404, BAD_METHOD = 405, MISDIRECTED = 421 };

enum { WHERE_MAX = SSP_HOST_MAX + 8, HTTP_PORT = 80 };

/* An answer under way. */
struct own {
    const struct ss_entrance *entrance;
    const struct ss_http_request *request;
    const struct ss_pages *pages;
    char where[WHERE_MAX]; /* the client has reached the proxy, as it writes it */
};

/* Reads the host by which the client came.  Returns 0, or -1 when that is not an own one. */
static int find_where(struct own *o)
{
    struct ss_http_uri uri;
    struct ssp__address address;
    struct ss_http_text host = o->request->host;
    if (host.at == NULL || ss_http_authority_read(&uri, host, HTTP_PORT) == -1)
        return -1;
    bool literal = ssp__address_parse(&address, uri.host, 0) == 0;
    bool local = literal
                     ? ssp__address_loopback(&address)
                     : ss_http_is((struct ss_http_text){uri.host, strlen(uri.host)}, "localhost");
    if (!local && !(literal && o->pages->anywhere))
        return -1;
    (void)snprintf(o->where, sizeof o->where, strchr(uri.host, ':') != NULL ? "[%s]:%u" : "%s:%u",
                   uri.host, (unsigned)uri.port);
    return 0;
}

static bool is_path(const struct own *o, const char *path)
{
    struct ss_http_text target = o->request->target, name = ss_http_cut(&target, '?');
    return name.len == strlen(path) && memcmp(name.at, path, name.len) == 0;
}

/* ---- bodies ---- */

static void put_status(const struct own *o, FILE *out)
{
    ss_status_write(o->pages->look(o->pages->arg), o->where, out);
}

/* Without the proxy nothing but this machine is reached, and what the access list takes around the
 * servers: no other way around it is offered. */
static void put_pac(const struct own *o, FILE *out)
{
    size_t len = 0;
    const struct ss_pages *pages = o->pages;
    const char *rules = pages->rules != NULL ? pages->rules(pages->arg, &len) : NULL;
    if (rules != NULL)
        (void)fwrite(rules, 1, len, out);
    else
        (void)fputs("function direct(host) {\n  return /^[^.:]+$/.test(host);\n}\n", out);
    (void)fprintf(out,
                  "function FindProxyForURL(url, host) {\n"
                  "  host = host.toLowerCase().replace(/^\\[|\\]$/g, \"\").replace(/\\.$/, \"\");\n"
                  "  if (/(^|\\.)localhost$/.test(host) || host == \"::1\" ||\n"
                  "      /^127\\.[0-9]+\\.[0-9]+\\.[0-9]+$/.test(host) || direct(host))\n"
                  "    return \"DIRECT\";\n"
                  "  return \"PROXY %s; SOCKS5 %s\";\n"
                  "}\n",
                  o->where, o->where);
}

static void put_metrics(const struct own *o, FILE *out)
{
    o->pages->metrics(o->pages->arg, out);
}

static const struct page {
    const char *path, *type;
    bool guarded; /* by the users of the proxy */
    void (*put)(const struct own *o, FILE *out);
} rows[] = {
    {"/", "text/html; charset=utf-8", true, put_status},
    {"/proxy.pac", "application/x-ns-proxy-autoconfig", false, put_pac},
    {"/metrics", SS_EXPOSITION_TYPE, true, put_metrics},
};

/* ---- the answer ---- */

/* The status of a request, and its page when that is OK. */
static unsigned judge(struct own *o, const struct page **page)
{
    const struct ss_accounts *accounts = &o->entrance->accounts;
    *page = NULL;
    if (o->pages == NULL)
        return NOT_FOUND;
    if (!o->pages->by_path && find_where(o) == -1)
        return MISDIRECTED;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool metrics = rows[i].put == put_metrics;
        if (is_path(o, rows[i].path) &&
            (metrics ? o->pages->metrics != NULL : o->pages->look != NULL))
            *page = &rows[i];
    }
    if (*page == NULL)
        return NOT_FOUND;
    if (!ss_http_request_is(o->request, "GET") && !ss_http_request_is(o->request, "HEAD"))
        return BAD_METHOD;
    bool guarded = (*page)->guarded && accounts->n > 0;
    return guarded && !ss_http_basic_allows(accounts, o->request->authorization) ? UNAUTHORIZED
                                                                                 : OK;
}

static const char *sentence(const struct own *o, unsigned status)
{
    switch (status) {
    case UNAUTHORIZED:
        return "This page is for the users of the proxy.";
    case BAD_METHOD:
        return "This page is only to be read.";
    case MISDIRECTED:
        return "Open this page by the address of the proxy, such as 127.0.0.1.";
    default:
        if (o->pages != NULL && o->pages->look == NULL)
            return "This port has /metrics, and no other page.";
        return o->pages == NULL ? "This is a proxy, which has no pages for other machines."
                                : "This is a proxy, which has no such page.";
    }
}

static char *refuse(const struct own *o, unsigned status, bool close, size_t *len)
{
    char *text = malloc(SS_HTTP_PAGE_MAX);
    if (text != NULL)
        *len = ss_http_page_write(
            &(struct ss_http_page){.status = status,
                                   .why = sentence(o, status),
                                   .close = close,
                                   .bodiless = ss_http_request_is(o->request, "HEAD"),
                                   .keep_alive = o->request->message.minor == 0},
            text);
    return text;
}

/* Nothing is taken from elsewhere, nor framed, nor kept. */
static void put_head(const struct page *page, size_t length, bool close, FILE *out)
{
    (void)fprintf(out,
                  "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                  "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                  "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
                  "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
                  "frame-ancestors 'none'\r\n%s\r\n",
                  page->type, length, close ? "Connection: close\r\n" : "");
}

/* Returns the body, to be freed, and its length; NULL when memory is out. */
static char *make_body(const struct own *o, const struct page *page, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (out == NULL)
        return NULL;
    if (o->pages->hold != NULL)
        o->pages->hold(o->pages->arg, true);
    page->put(o, out);
    if (o->pages->hold != NULL)
        o->pages->hold(o->pages->arg, false);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

char *ss_own_answer(const struct ss_entrance *entrance, const struct ss_http_request *request,
                    bool close, size_t *len)
{
    struct own o = {.entrance = entrance, .request = request, .pages = entrance->pages};
    const struct page *page;
    unsigned status = judge(&o, &page);
    if (status != OK)
        return refuse(&o, status, close, len);
    size_t length;
    char *text = NULL, *body = make_body(&o, page, &length);
    FILE *out = body != NULL ? open_memstream(&text, len) : NULL;
    if (out != NULL) {
        put_head(page, length, close, out);
        if (!ss_http_request_is(request, "HEAD"))
            (void)fwrite(body, 1, length, out);
    }
    bool made = out != NULL && fclose(out) == 0;
    free(body);
    if (made)
        return text;
    free(text);
    return NULL;
}
