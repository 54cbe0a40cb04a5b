/* SPDX-License-Identifier: Apache-2.0 */
#include "store/place.h"

#include "formats/percent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { PORT = 6379, DATABASES = 16384, PREFIX_MAX = 64 };

/* Braces: a cluster keeps all keys together. */
static const char prefix[] = "{shadowplug}";

static void drop(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

/* Replaces *text by the decoded n bytes. */
static int take(char **text, const char *from, size_t n)
{
    drop(text);
    *text = ss_percent_decode(from, n);
    return *text != NULL ? 0 : -1;
}

static int read_number(unsigned *number, const char *text, size_t n)
{
    *number = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        *number = *number * 10 + (unsigned)(text[i] - '0');
        if (*number >= DATABASES)
            return -1;
    }
    return n > 0 ? 0 : -1;
}

static bool is(const char *text, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(text, word, n) == 0;
}

static int read_option(struct ss_store_place *p, const char *text, size_t n)
{
    const char *equals = memchr(text, '=', n);
    if (equals == NULL)
        return -1;
    size_t key = (size_t)(equals - text), len = n - key - 1;
    const char *value = equals + 1;
    if (is(text, key, "db"))
        return read_number(&p->db, value, len);
    char **member = is(text, key, "prefix")     ? &p->prefix
                    : is(text, key, "user")     ? &p->user
                    : is(text, key, "password") ? &p->password
                                                : NULL;
    return member != NULL && len > 0 ? take(member, value, len) : -1;
}

static int read_options(struct ss_store_place *p, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "&");
        if (read_option(p, text, n) == -1)
            return -1;
        text += n + (text[n] == '&' ? 1 : 0);
    }
    return 0;
}

static int read_account(struct ss_store_place *p, const char *text, size_t n)
{
    const char *colon = memchr(text, ':', n);
    size_t name = colon != NULL ? (size_t)(colon - text) : 0;
    if (colon == NULL || name + 1 == n)
        return -1;
    if (name > 0 && take(&p->user, text, name) == -1)
        return -1;
    return take(&p->password, colon + 1, n - name - 1);
}

/* The part in front of the options. */
static int read_server(struct ss_store_place *p, const char *text, size_t n, const char **why)
{
    const char *at = memrchr(text, '@', n);
    *why = "the account is not :PASSWORD or USER:PASSWORD";
    if (at != NULL && read_account(p, text, (size_t)(at - text)) == -1)
        return -1;
    const char *host = at != NULL ? at + 1 : text;
    size_t left = n - (size_t)(host - text);
    const char *slash = memchr(host, '/', left);
    size_t len = slash != NULL ? (size_t)(slash - host) : left;
    *why = "the database is not a number below 16384";
    if (slash != NULL && left > len + 1 && read_number(&p->db, slash + 1, left - len - 1) == -1)
        return -1;
    char name[SSP_HOST_MAX + 8];
    *why = "the host is not host, host:port or [ipv6]:port";
    if (len == 0 || len >= sizeof name)
        return -1;
    memcpy(name, host, len);
    name[len] = '\0';
    return ssp__endpoint_parse(&p->server, name, PORT);
}

static int read_path(struct ss_store_place *p, const char *text, size_t n, const char **why)
{
    *why = "the path is not one of 2 to 107 bytes that begins with /";
    if (n < 2 || text[0] != '/' || take(&p->path, text, n) == -1)
        return -1;
    return strlen(p->path) < sizeof((struct sockaddr_un *)NULL)->sun_path ? 0 : -1;
}

int ss_store_place_read(struct ss_store_place *p, const char *url, const char **why)
{
    static const char redis[] = "redis://", local[] = "unix:";
    size_t n = strcspn(url, "?");
    *p = (struct ss_store_place){.prefix = strdup(prefix)};
    *why = "out of memory";
    if (p->prefix == NULL)
        return -1;
    *why = "${NAME} stands for a whole value only: put the whole URL into the variable";
    if (strstr(url, "${") != NULL)
        return -1;
    *why = "it begins with neither redis:// nor unix:/ (TLS: put a tunnel, such as stunnel, before "
           "the store)";
    int rc = -1;
    if (strncmp(url, redis, sizeof redis - 1) == 0 && n >= sizeof redis - 1)
        rc = read_server(p, url + sizeof redis - 1, n - (sizeof redis - 1), why);
    else if (strncmp(url, local, sizeof local - 1) == 0 && n >= sizeof local - 1)
        rc = read_path(p, url + sizeof local - 1, n - (sizeof local - 1), why);
    if (rc == -1)
        return -1;
    *why = "an option is none of db, prefix, user and password with a value";
    if (url[n] == '?' && read_options(p, url + n + 1) == -1)
        return -1;
    *why = "the prefix is longer than 64 bytes";
    return strlen(p->prefix) <= PREFIX_MAX ? 0 : -1;
}

void ss_store_place_release(struct ss_store_place *p)
{
    drop(&p->path);
    drop(&p->user);
    drop(&p->password);
    drop(&p->prefix);
    *p = (struct ss_store_place){.db = 0};
}
