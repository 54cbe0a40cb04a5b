/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/head.h"

#include <string.h>
#include <strings.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct ws_span trimmed(struct ws_span s)
{
    while (s.len > 0 && blank(s.text[0]))
        s = (struct ws_span){s.text + 1, s.len - 1};
    while (s.len > 0 && blank(s.text[s.len - 1]))
        s.len--;
    return s;
}

struct ws_span ws_span_of(const uint8_t *bytes, size_t n)
{
    return (struct ws_span){(const char *)bytes, n};
}

bool ws_span_is(struct ws_span span, const char *text)
{
    return span.text != NULL && span.len == strlen(text) &&
           strncasecmp(span.text, text, span.len) == 0;
}

bool ws_span_equals(struct ws_span span, const char *text)
{
    return span.text != NULL && span.len == strlen(text) && memcmp(span.text, text, span.len) == 0;
}

/* Cuts at the first of these bytes: returns what is before it, *rest is left with what is behind.
 */
static struct ws_span cut(struct ws_span *rest, char at)
{
    const char *end = memchr(rest->text, at, rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->text) : rest->len;
    size_t skip = end != NULL ? len + 1 : len;
    struct ws_span first = {rest->text, len};
    *rest = (struct ws_span){rest->text + skip, rest->len - skip};
    return first;
}

static struct ws_span next_line(struct ws_span *rest)
{
    struct ws_span line = cut(rest, '\n');
    if (line.len > 0 && line.text[line.len - 1] == '\r')
        line.len--;
    return line;
}

struct ws_span ws_head_line(struct ws_span head)
{
    return next_line(&head);
}

struct ws_span ws_head_word(struct ws_span *line)
{
    return cut(line, ' ');
}

/* The value of the next field of this name in *rest. */
static struct ws_span next_field(struct ws_span *rest, const char *name)
{
    while (rest->len > 0) {
        struct ws_span value = next_line(rest), field = cut(&value, ':');
        if (ws_span_is(field, name))
            return trimmed(value);
    }
    return (struct ws_span){NULL, 0};
}

struct ws_span ws_head_field(struct ws_span head, const char *name)
{
    (void)next_line(&head);
    return next_field(&head, name);
}

void ws_head_each(struct ws_span head, const char *name,
                  void (*visit)(void *arg, struct ws_span item), void *arg)
{
    struct ws_span value;
    (void)next_line(&head);
    while ((value = next_field(&head, name)).text != NULL) {
        while (value.len > 0)
            visit(arg, trimmed(cut(&value, ',')));
    }
}

struct wanted {
    const char *token;
    bool found;
};

static void compare(void *arg, struct ws_span item)
{
    struct wanted *w = arg;
    w->found = w->found || ws_span_is(item, w->token);
}

bool ws_head_lists(struct ws_span head, const char *name, const char *token)
{
    struct wanted w = {.token = token};
    ws_head_each(head, name, compare, &w);
    return w.found;
}
