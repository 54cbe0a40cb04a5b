/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/url.h"

#include "formats/percent.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "ss://", blanks[] = " \t\r\n";

static const char no_memory[] = "memory is out", not_escaped[] = "an escape (%xx) is wrong",
                  no_server[] = "it names no server (expected ss://...@host:port)";

bool ss_url_is(const char *text)
{
    return strncasecmp(text + strspn(text, blanks), scheme, sizeof scheme - 1) == 0;
}

/* True for a method whose password is a key in base64, which URLs show as it is (SIP022). */
static bool shows_key(const char *method)
{
    return strncasecmp(method, "2022-", 5) == 0;
}

/* ---- reading ---- */

/* A part of the text of a URL. */
struct part {
    const char *at;
    size_t n;
};

/* Cuts off *whole what begins with the first byte of `marks`; the mark itself is lost. */
static struct part cut(struct part *whole, const char *marks)
{
    struct part rest = {whole->at + whole->n, 0};
    for (size_t i = 0; i < whole->n; i++) {
        if (strchr(marks, whole->at[i]) != NULL) {
            rest = (struct part){whole->at + i + 1, whole->n - i - 1};
            whole->n = i;
            break;
        }
    }
    return rest;
}

static char *copy(struct part p)
{
    return strndup(p.at, p.n);
}

static void to_url_alphabet(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '+')
            text[i] = '-';
        else if (text[i] == '/')
            text[i] = '_';
    }
}

/* Decodes either alphabet of base64, with or without padding.  Returns a new text, or NULL. */
static char *decode_base64(struct part p)
{
    char *text = copy(p);
    unsigned char *bytes = malloc(p.n + 1);
    size_t len = 0;
    while (p.n > 0 && p.at[p.n - 1] == '=')
        p.n--;
    bool decoded = text != NULL && bytes != NULL;
    if (decoded)
        to_url_alphabet(text, p.n);
    decoded = decoded && sodium_base642bin(bytes, p.n + 1, text, p.n, NULL, &len, NULL,
                                           sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    decoded = decoded && memchr(bytes, '\0', len) == NULL;
    if (bytes != NULL)
        bytes[len] = '\0';
    ss_secret_free(text);
    if (decoded)
        return (char *)bytes;
    ss_secret_free((char *)bytes);
    return NULL;
}

/* "method:password", from which both are copied. */
static const char *read_secret(struct ss_server *s, const char *text)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text)
        return "it has no method and password (expected base64 of method:password in front of @)";
    s->method = strndup(text, (size_t)(colon - text));
    s->password = strdup(colon + 1);
    return s->method != NULL && s->password != NULL ? NULL : no_memory;
}

static const char *read_userinfo(struct ss_server *s, struct part p)
{
    char *text = ss_percent_decode(p.at, p.n);
    if (text == NULL)
        return not_escaped;
    if (strchr(text, ':') == NULL) {
        char *decoded = decode_base64((struct part){text, strlen(text)});
        ss_secret_free(text);
        text = decoded;
    }
    const char *why = text != NULL ? read_secret(s, text)
                                   : "what stands before @ is neither method:password nor base64";
    ss_secret_free(text);
    return why;
}

/* Name or address, and a port or none. */
static const char *read_host(struct ss_server *s, struct part p)
{
    char *text = ss_percent_decode(p.at, p.n);
    if (text == NULL)
        return not_escaped;
    bool plain = *text != '\0';
    for (const char *c = text; *c != '\0'; c++)
        plain = plain && *c > ' ' && *c != '\x7f' && strchr("/?#@", *c) == NULL;
    int rc = plain ? ssp__endpoint_parse(&s->endpoint, text, SS_URL_PORT) : -1;
    free(text);
    return rc == 0 ? NULL : no_server;
}

/* name;options, where the options are kept as they are. */
static const char *read_plugin(struct ss_server *s, struct part p)
{
    char *text = ss_percent_decode(p.at, p.n);
    if (text == NULL)
        return not_escaped;
    char *semicolon = strchr(text, ';');
    const char *options = semicolon != NULL ? semicolon + 1 : "";
    if (semicolon != NULL)
        *semicolon = '\0';
    free(s->plugin);
    ss_secret_free(s->plugin_opts);
    s->plugin = *text != '\0' ? strdup(text) : NULL;
    s->plugin_opts = *text != '\0' && *options != '\0' ? strdup(options) : NULL;
    bool complete = (*text == '\0' || s->plugin != NULL) &&
                    (s->plugin == NULL || *options == '\0' || s->plugin_opts != NULL);
    if (semicolon != NULL)
        *semicolon = ';'; /* the options are secret, and wiped with the whole */
    ss_secret_free(text);
    return complete ? NULL : no_memory;
}

static size_t next_byte(struct part *p, unsigned char *byte)
{
    size_t used = ss_percent_next(p->at, p->n, byte);
    *p = (struct part){p->at + used, p->n - used};
    return used;
}

/* UTF-8 whose code points, up to U+00FF, are the bytes. */
static const char *read_prefix(struct ss_server *s, struct part p)
{
    s->prefix_len = 0;
    while (p.n > 0) {
        unsigned char first = 0, second = 0x80;
        bool escaped = next_byte(&p, &first) > 0;
        bool plain = first < 0x80;
        escaped = escaped && (plain || next_byte(&p, &second) > 0);
        if (!escaped)
            return not_escaped;
        if (!plain && ((first & 0xFE) != 0xC2 || (second & 0xC0) != 0x80))
            return "the prefix holds a character beyond U+00FF";
        if (s->prefix_len == SS_PREFIX_MAX)
            return "the prefix is longer than 32 bytes";
        s->prefix[s->prefix_len++] =
            (uint8_t)(plain ? first : (first & 3U) << 6 | (second & 0x3FU));
    }
    return NULL;
}

static bool starts(struct part p, const char *key)
{
    return p.n >= strlen(key) && memcmp(p.at, key, strlen(key)) == 0;
}

/* Parameters of other programs are skipped; of two with one name the last counts. */
static const char *read_query(struct ss_server *s, struct part query)
{
    static const char plugin[] = "plugin=", prefix[] = "prefix=";
    const char *why = NULL;
    while (query.n > 0 && why == NULL) {
        struct part next = cut(&query, "&");
        if (starts(query, plugin))
            why = read_plugin(
                s, (struct part){query.at + sizeof plugin - 1, query.n - (sizeof plugin - 1)});
        else if (starts(query, prefix))
            why = read_prefix(
                s, (struct part){query.at + sizeof prefix - 1, query.n - (sizeof prefix - 1)});
        query = next;
    }
    return why;
}

/* The last '@' parts the secret, in which one may stand unencoded, from the host. */
static const char *read_authority(struct ss_server *s, struct part p)
{
    size_t at = p.n;
    while (at > 0 && p.at[at - 1] != '@')
        at--;
    if (at == 0)
        return no_server;
    const char *why = read_userinfo(s, (struct part){p.at, at - 1});
    struct part host = {p.at + at, p.n - at};
    if (host.n > 0 && host.at[host.n - 1] == '/')
        host.n--;
    return why != NULL ? why : read_host(s, host);
}

/* The older form: base64 of method:password@host:port. */
static const char *read_whole(struct ss_server *s, struct part p)
{
    char *text = decode_base64(p);
    if (text == NULL && p.n > 0 && p.at[p.n - 1] == '/')
        text = decode_base64((struct part){p.at, p.n - 1});
    char *at = text != NULL ? strrchr(text, '@') : NULL;
    const char *why = no_server;
    if (at != NULL) {
        *at = '\0';
        why = read_secret(s, text);
        if (why == NULL)
            why = read_host(s, (struct part){at + 1, strlen(at + 1)});
        *at = '@';
    }
    ss_secret_free(text);
    return why;
}

static const char *read_name(struct ss_server *s, struct part p)
{
    if (p.n == 0)
        return NULL;
    s->name = ss_percent_decode(p.at, p.n);
    if (s->name == NULL)
        s->name = copy(p); /* some programs do not encode it */
    return s->name != NULL ? NULL : no_memory;
}

static const char *read_all(struct ss_server *s, struct part p)
{
    struct part fragment = cut(&p, "#"), query = cut(&p, "?");
    bool parted = memchr(p.at, '@', p.n) != NULL;
    const char *why = parted ? read_authority(s, p) : read_whole(s, p);
    if (why == NULL)
        why = read_query(s, query);
    return why != NULL ? why : read_name(s, fragment);
}

const char *ss_url_read(struct ss_server *s, const char *text)
{
    *s = (struct ss_server){.method = NULL};
    if (!ss_url_is(text))
        return "it does not begin with ss://";
    text += strspn(text, blanks) + sizeof scheme - 1;
    size_t n = strlen(text);
    while (n > 0 && strchr(blanks, text[n - 1]) != NULL)
        n--;
    const char *why = n <= SS_URL_MAX ? read_all(s, (struct part){text, n}) : "it is too long";
    if (why != NULL)
        ss_server_release(s);
    return why;
}

/* ---- writing ---- */

/* Returns 0, or -1 when memory is out. */
static int write_base64(struct ss_draft *out, const char *method, const char *password)
{
    char *text = NULL;
    int len = asprintf(&text, "%s:%s", method, password);
    if (len == -1)
        return -1;
    size_t size = sodium_base64_encoded_len((size_t)len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *base64 = malloc(size);
    int rc = base64 != NULL ? 0 : -1;
    if (rc == 0)
        ss_draft_put(out, sodium_bin2base64(base64, size, (unsigned char *)text, (size_t)len,
                                            sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    ss_secret_free(text);
    ss_secret_free(base64);
    return rc;
}

static int write_secret(struct ss_draft *out, const struct ss_server *s)
{
    if (!shows_key(s->method))
        return write_base64(out, s->method, s->password);
    for (const char *c = s->method; *c != '\0'; c++) {
        if (*c == '-')
            ss_draft_put_byte(out, '-');
        else
            ss_percent_encode_byte(out, (unsigned char)*c);
    }
    ss_draft_put_byte(out, ':');
    ss_percent_encode(out, s->password);
    return 0;
}

/* The zone of an address and bytes that no URL has in its host are encoded (RFC 3986, RFC 6874). */
static void write_host(struct ss_draft *out, const struct ssp__endpoint *endpoint)
{
    char where[SSP_HOST_MAX + 8];
    ssp__endpoint_format(endpoint, where, sizeof where);
    for (const char *c = where; *c != '\0'; c++) {
        if (strchr("-._~:[]", *c) != NULL)
            ss_draft_put_byte(out, *c);
        else
            ss_percent_encode_byte(out, (unsigned char)*c);
    }
}

static void write_plugin(struct ss_draft *out, const struct ss_server *s)
{
    ss_draft_put(out, "plugin=");
    ss_percent_encode(out, s->plugin);
    if (s->plugin_opts != NULL && *s->plugin_opts != '\0') {
        ss_percent_encode(out, ";");
        ss_percent_encode(out, s->plugin_opts);
    }
}

static void write_prefix(struct ss_draft *out, const struct ss_server *s)
{
    ss_draft_put(out, "prefix=");
    for (size_t i = 0; i < s->prefix_len; i++) {
        if (s->prefix[i] >= 0x80)
            ss_percent_encode_byte(out, (unsigned char)(0xC0 | s->prefix[i] >> 6));
        ss_percent_encode_byte(out, s->prefix[i] < 0x80
                                        ? s->prefix[i]
                                        : (unsigned char)(0x80 | (s->prefix[i] & 0x3F)));
    }
}

static void write_query(struct ss_draft *out, const struct ss_server *s)
{
    bool plugin = s->plugin != NULL && *s->plugin != '\0';
    if (plugin || s->prefix_len > 0)
        ss_draft_put(out, "/?");
    if (plugin)
        write_plugin(out, s);
    if (plugin && s->prefix_len > 0)
        ss_draft_put_byte(out, '&');
    if (s->prefix_len > 0)
        write_prefix(out, s);
}

char *ss_url_write(const struct ss_server *s)
{
    struct ss_draft out = {.text = NULL};
    ss_draft_put(&out, scheme);
    out.failed = write_secret(&out, s) == -1 || out.failed;
    ss_draft_put_byte(&out, '@');
    write_host(&out, &s->endpoint);
    write_query(&out, s);
    if (s->name != NULL && *s->name != '\0') {
        ss_draft_put_byte(&out, '#');
        ss_percent_encode(&out, s->name);
    }
    return ss_draft_end(&out);
}
