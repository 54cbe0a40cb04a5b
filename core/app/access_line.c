/* SPDX-License-Identifier: Apache-2.0 */
#include "app/access_line.h"

#include <stdio.h>
#include <string.h>

enum { V4_BYTES = 3, V6_BYTES = 6, TIME_MAX = 96, DIGITS_MAX = 24, NS_PER_MS = 1000000 };

int ss_told_read(enum ss_told *told, const char *word)
{
    static const char *const words[] = {"full", "network", "none"};
    for (int i = 0; i < 3; i++) {
        *told = (enum ss_told)i;
        if (strcmp(word, words[i]) == 0)
            return 0;
    }
    return -1;
}

struct line {
    char *text;
    size_t len;
    bool json;
};

static void put(struct line *l, const char *text)
{
    size_t n = strlen(text);
    if (n >= SS_ACCESS_LINE_MAX - l->len)
        n = SS_ACCESS_LINE_MAX - l->len - 1;
    memcpy(l->text + l->len, text, n);
    l->len += n;
}

static void put_byte(struct line *l, char byte)
{
    if (l->len < SS_ACCESS_LINE_MAX - 1)
        l->text[l->len++] = byte;
}

static void put_number(struct line *l, const char *name, uint64_t n)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + n % 10);
    } while ((n /= 10) > 0);
    put(l, l->json ? ",\"" : " ");
    put(l, name);
    put(l, l->json ? "\":" : "=");
    put(l, digits + at);
}

/* Text has neither blanks nor bytes beyond ASCII in a word; JSON has both escaped, as Latin-1. */
static void put_escaped(struct line *l, const char *bytes)
{
    for (const char *p = bytes; *p != '\0'; p++) {
        unsigned char byte = (unsigned char)*p;
        char text[8];
        if (byte > ' ' && byte <= '~' && byte != '"' && byte != '\\') {
            put_byte(l, *p);
            continue;
        }
        (void)snprintf(text, sizeof text, l->json ? "\\u%04x" : "\\x%02x", byte);
        put(l, text);
    }
}

/* NULL: it is unknown, or not to be told. */
static void put_word(struct line *l, const char *name, const char *word)
{
    if (l->json) {
        put(l, ",\"");
        put(l, name);
        put(l, word != NULL ? "\":\"" : "\":");
    } else {
        put(l, " ");
    }
    if (word == NULL)
        put(l, l->json ? "null" : "-");
    else
        put_escaped(l, word);
    if (l->json && word != NULL)
        put(l, "\"");
}

/* The network is written as one. */
static const char *client(const struct ssp__access_record *r, enum ss_told told,
                          char text[SSP_ADDRESS_TEXT_MAX + 8])
{
    struct ssp__address a = r->client;
    struct ssp__endpoint e;
    char host[SSP_HOST_MAX];
    if (told == SS_TOLD_NONE || a.len == 0)
        return NULL;
    if (told == SS_TOLD_ALL) {
        ssp__address_format(&a, text, SSP_ADDRESS_TEXT_MAX);
        return text;
    }
    bool v4 = a.u.any.sa_family == AF_INET;
    uint8_t *bytes = v4 ? (uint8_t *)&a.u.v4.sin_addr : (uint8_t *)&a.u.v6.sin6_addr;
    const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool inside = !v4 && memcmp(bytes, mapped, sizeof mapped) == 0; /* IPv4 in IPv6 */
    size_t kept = v4 ? V4_BYTES : inside ? sizeof mapped + V4_BYTES : V6_BYTES;
    memset(bytes + kept, 0, (v4 ? sizeof a.u.v4.sin_addr : sizeof a.u.v6.sin6_addr) - kept);
    ssp__endpoint_set_address(&e, &a);
    (void)snprintf(text, SSP_ADDRESS_TEXT_MAX + 8, "%s/%u", ssp__endpoint_host(&e, host),
                   v4       ? 24U
                   : inside ? 120U
                            : 48U);
    return text;
}

/* strftime() would look at the zone of this machine, by a system call. */
static void put_time(struct line *l, const struct timespec *now)
{
    char text[TIME_MAX];
    struct tm tm;
    (void)gmtime_r(&now->tv_sec, &tm);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   now->tv_nsec / NS_PER_MS);
    put(l, l->json ? "{\"time\":\"" : "");
    put(l, text);
    put(l, l->json ? "\"" : "");
}

size_t ss_access_line(char text[SS_ACCESS_LINE_MAX], const struct ss_access_style *style,
                      const struct ssp__access_record *r, unsigned port, const struct timespec *now)
{
    struct line l = {.text = text, .json = style->json};
    char from[SSP_ADDRESS_TEXT_MAX + 8], to[SSP_HOST_MAX + 8];
    if (r->targeted)
        ssp__endpoint_format(&r->target, to, sizeof to);
    put_time(&l, now);
    put_word(&l, "transport", r->packets ? "udp" : "tcp");
    put_word(&l, "client", client(r, style->clients, from));
    put_word(&l, "user", r->user);
    put_word(&l, "target", r->targeted && style->targets ? to : NULL);
    put_number(&l, "port", port);
    put_number(&l, "up", r->up);
    put_number(&l, "down", r->down);
    put_number(&l, "ms", r->ended_ms > r->began_ms ? r->ended_ms - r->began_ms : 0);
    put_word(&l, "end", r->reason);
    put(&l, l.json ? "}\n" : "\n");
    return l.len;
}
