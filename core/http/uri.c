/* SPDX-License-Identifier: Apache-2.0 */
#include "http/uri.h"

#include <string.h>

enum { HTTP_PORT = 80, PORT_MAX = 65535, USERINFO_MAX = 1024 };

static int read_port(struct ss_http_text text, uint16_t *port)
{
    uint64_t number;
    if (ss_http_number(text, &number) == -1 || number == 0 || number > PORT_MAX)
        return -1;
    *port = (uint16_t)number;
    return 0;
}

/* Cuts the host, with or without brackets, from the beginning of an authority. */
static struct ss_http_text cut_host(struct ss_http_text *rest)
{
    struct ss_http_text start = *rest;
    if (start.len == 0 || start.at[0] != '[') {
        struct ss_http_text host = ss_http_cut(rest, ':');
        *rest = (struct ss_http_text){start.at + host.len, start.len - host.len};
        return host;
    }
    struct ss_http_text host = ss_http_cut(rest, ']');
    return (struct ss_http_text){host.at + 1, rest->at > host.at + host.len ? host.len - 1 : 0};
}

int ss_http_authority_read(struct ss_http_uri *uri, struct ss_http_text text, uint16_t default_port)
{
    struct ss_http_text rest = text, host = cut_host(&rest);
    if (host.len == 0 || host.len >= sizeof uri->host || memchr(host.at, '\0', host.len) != NULL)
        return -1;
    memcpy(uri->host, host.at, host.len);
    uri->host[host.len] = '\0';
    uri->authority = text;
    uri->port = default_port;
    if (rest.len == 0)
        return default_port > 0 ? 0 : -1;
    if (rest.at[0] != ':')
        return -1;
    rest = (struct ss_http_text){rest.at + 1, rest.len - 1};
    if (rest.len == 0 && default_port > 0) { /* "host:" */
        uri->authority.len--;
        return 0;
    }
    return read_port(rest, &uri->port);
}

/* Cuts the part up to the first of two characters, which stays. */
static struct ss_http_text cut_before(struct ss_http_text *rest, const char stop[2])
{
    size_t n = 0;
    while (n < rest->len && rest->at[n] != stop[0] && rest->at[n] != stop[1])
        n++;
    struct ss_http_text part = {rest->at, n};
    *rest = (struct ss_http_text){rest->at + n, rest->len - n};
    return part;
}

static void cut_userinfo(struct ss_http_uri *uri, struct ss_http_text *authority)
{
    const char *at = authority->len > 0 ? memrchr(authority->at, '@', authority->len) : NULL;
    uri->userinfo = (struct ss_http_text){NULL, 0};
    if (at == NULL)
        return;
    size_t n = (size_t)(at - authority->at);
    uri->userinfo = (struct ss_http_text){authority->at, n};
    *authority = (struct ss_http_text){at + 1, authority->len - n - 1};
}

int ss_http_uri_read(struct ss_http_uri *uri, struct ss_http_text text)
{
    uri->scheme = ss_http_cut(&text, ':');
    if (!ss_http_is_token(uri->scheme) || text.len < 2 || memcmp(text.at, "//", 2) != 0)
        return -1;
    text = (struct ss_http_text){text.at + 2, text.len - 2};
    text = ss_http_cut(&text, '#');
    struct ss_http_text authority = cut_before(&text, "/?");
    uri->path = cut_before(&text, "??");
    uri->query = text;
    cut_userinfo(uri, &authority);
    if (uri->userinfo.len > USERINFO_MAX)
        return -1;
    return ss_http_authority_read(uri, authority, HTTP_PORT);
}
