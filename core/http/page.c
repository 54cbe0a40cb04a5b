/* SPDX-License-Identifier: Apache-2.0 */
#include "http/page.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 1024, UNAUTHORIZED = 401, BAD_METHOD = 405, PROXY_AUTHENTICATION = 407 };

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {407, "Proxy Authentication Required"},
    {421, "Misdirected Request"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

static const char *reason_of(unsigned status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Error";
}

/* A field that goes with a status. */
static const char *field_of(unsigned status)
{
    switch (status) {
    case UNAUTHORIZED:
        return "WWW-Authenticate: Basic realm=\"proxy\", charset=\"UTF-8\"\r\n";
    case BAD_METHOD:
        return "Allow: GET, HEAD\r\n";
    case PROXY_AUTHENTICATION:
        return "Proxy-Authenticate: Basic realm=\"proxy\", charset=\"UTF-8\"\r\n";
    default:
        return "";
    }
}

size_t ss_http_page_write(const struct ss_http_page *page, char out[SS_HTTP_PAGE_MAX])
{
    char body[BODY_MAX];
    const char *reason = reason_of(page->status);
    int length = snprintf(body, sizeof body,
                          "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"
                          "<meta name=\"color-scheme\" content=\"light dark\">"
                          "<meta name=\"viewport\" content=\"width=device-width\">"
                          "<title>%u %s</title><body style=\"font:16px system-ui;margin:2em\">"
                          "<h1>%u %s</h1><p>%s</p><p><small>Shadowplug</small></p></html>\n",
                          page->status, reason, page->status, reason, page->why);
    int n = snprintf(out, SS_HTTP_PAGE_MAX,
                     "HTTP/1.1 %u %s\r\nContent-Type: text/html; charset=utf-8\r\n"
                     "Content-Length: %d\r\nCache-Control: no-store\r\n%s%s\r\n%s",
                     page->status, reason, length, field_of(page->status),
                     page->close        ? "Connection: close\r\n"
                     : page->keep_alive ? "Connection: keep-alive\r\n"
                                        : "",
                     page->bodiless ? "" : body);
    return n > 0 && n < SS_HTTP_PAGE_MAX ? (size_t)n : 0;
}
