/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/request.h"

#include "obfs/obfs.h"

#include <string.h>
#include <strings.h>

enum { METHOD, TARGET, VERSION, LINE_FEED, NAME, VALUE, LAST_LINE_FEED, DONE };

/* A run of bytes inside the head. */
struct span {
    const char *text;
    size_t len;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool obfs_is_token(uint8_t c)
{
    bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alpha || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same(struct span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.text, text, s.len) == 0;
}

static struct span trimmed(struct span s)
{
    while (s.len > 0 && (s.text[0] == ' ' || s.text[0] == '\t'))
        s = (struct span){s.text + 1, s.len - 1};
    while (s.len > 0 && (s.text[s.len - 1] == ' ' || s.text[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static struct span without_port(struct span s)
{
    size_t digits = 0;
    while (digits < s.len && is_digit((uint8_t)s.text[s.len - 1 - digits]))
        digits++;
    if (digits == 0 || digits == s.len || s.text[s.len - 1 - digits] != ':')
        return s;
    return (struct span){s.text, s.len - 1 - digits};
}

static struct span without_brackets(struct span s)
{
    if (s.len < 2 || s.text[0] != '[' || s.text[s.len - 1] != ']')
        return s;
    return (struct span){s.text + 1, s.len - 2};
}

/* The whole value first: an IPv6 literal that came without brackets ends like a port. */
static bool names_host(struct span value, const char *host)
{
    struct span bare = without_port(value);
    return same(value, host) || same(bare, host) || same(without_brackets(bare), host);
}

static bool method(struct obfs_request *r, const struct obfs_request_rule *rule,
                   const uint8_t *head)
{
    size_t i = r->at;
    uint8_t c = head[i];
    if (c == ' ') {
        r->step = TARGET;
        r->start = (uint16_t)(i + 1);
        return i > 0 && (rule->method == NULL || rule->method[i] == '\0');
    }
    if (!obfs_is_token(c) || i >= OBFS_METHOD_MAX)
        return false;
    /* Every byte before this one equals the rule's, so this does not read past its NUL. */
    return rule->method == NULL || lower(c) == lower((uint8_t)rule->method[i]);
}

static bool target(struct obfs_request *r, const struct obfs_request_rule *rule,
                   const uint8_t *head)
{
    (void)rule;
    uint8_t c = head[r->at];
    if (c == ' ') {
        bool empty = r->at == r->start;
        r->step = VERSION;
        r->start = (uint16_t)(r->at + 1);
        return !empty;
    }
    return c > ' ' && c != 0x7f;
}

static bool version(struct obfs_request *r, const struct obfs_request_rule *rule,
                    const uint8_t *head)
{
    static const char name[] = "HTTP/1.";
    (void)rule;
    size_t i = (size_t)(r->at - r->start), digit = sizeof name - 1;
    if (i < digit)
        return head[r->at] == (uint8_t)name[i];
    if (i == digit)
        return is_digit(head[r->at]);
    r->step = LINE_FEED;
    return head[r->at] == '\r';
}

static bool line_feed(struct obfs_request *r, const struct obfs_request_rule *rule,
                      const uint8_t *head)
{
    (void)rule;
    r->step = NAME;
    r->start = (uint16_t)(r->at + 1);
    return head[r->at] == '\n';
}

static bool name(struct obfs_request *r, const struct obfs_request_rule *rule, const uint8_t *head)
{
    (void)rule;
    uint8_t c = head[r->at];
    bool empty = r->at == r->start;
    if (c == '\r') {
        r->step = LAST_LINE_FEED;
        return empty;
    }
    if (c == ':') {
        r->step = VALUE;
        r->colon = r->at;
        return !empty;
    }
    return obfs_is_token(c);
}

static bool header(struct obfs_request *r, const struct obfs_request_rule *rule,
                   const uint8_t *head)
{
    const char *text = (const char *)head;
    struct span key = {text + r->start, (size_t)(r->colon - r->start)};
    struct span value = trimmed((struct span){text + r->colon + 1, (size_t)(r->at - r->colon - 1)});
    if (same(key, "Upgrade")) {
        r->upgrades = true;
        return same(value, "websocket");
    }
    if (rule->host != NULL && same(key, "Host")) {
        r->hosted = true;
        return names_host(value, rule->host);
    }
    return true;
}

static bool value(struct obfs_request *r, const struct obfs_request_rule *rule, const uint8_t *head)
{
    uint8_t c = head[r->at];
    if (c == '\r') {
        r->step = LINE_FEED;
        return header(r, rule, head);
    }
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool last_line_feed(struct obfs_request *r, const struct obfs_request_rule *rule,
                           const uint8_t *head)
{
    r->step = DONE;
    return head[r->at] == '\n' && r->upgrades && (rule->host == NULL || r->hosted);
}

enum obfs_judgement obfs_request_judge(struct obfs_request *r, const struct obfs_request_rule *rule,
                                       const uint8_t *head, size_t len)
{
    static bool (*const step[])(struct obfs_request *, const struct obfs_request_rule *,
                                const uint8_t *) = {
        [METHOD] = method,
        [TARGET] = target,
        [VERSION] = version,
        [LINE_FEED] = line_feed,
        [NAME] = name,
        [VALUE] = value,
        [LAST_LINE_FEED] = last_line_feed,
    };

    for (; r->step != DONE && r->at < len && r->at < OBFS_HEAD_MAX; r->at++) {
        if (!step[r->step](r, rule, head))
            return OBFS_FOREIGN;
    }
    if (r->step == DONE)
        return OBFS_COMPLETE;
    return r->at == OBFS_HEAD_MAX ? OBFS_FOREIGN : OBFS_UNDECIDED;
}
