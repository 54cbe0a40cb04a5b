/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/rule.h"

#include "acl/host_name.h"

#include <string.h>

/* The beginnings of expressions that end in a name and "$", and what they cover. */
static const struct {
    const char *text;
    enum ss_cover cover;
} beginnings[] = {
    {"(^|\\.)", SS_COVER_DOMAIN},     {"(\\.|^)", SS_COVER_DOMAIN},
    {"(?:^|\\.)", SS_COVER_DOMAIN},   {"(?:\\.|^)", SS_COVER_DOMAIN},
    {"^(.*\\.)?", SS_COVER_DOMAIN},   {"^(.+\\.)?", SS_COVER_DOMAIN},
    {"^(?:.*\\.)?", SS_COVER_DOMAIN}, {"^(?:.+\\.)?", SS_COVER_DOMAIN},
    {"^.*\\.", SS_COVER_BELOW},       {"^.+\\.", SS_COVER_BELOW},
    {"\\.", SS_COVER_BELOW},          {"^", SS_COVER_EXACT},
};

/* A name, or an address that stands where a name may. */
static int read_name(struct ss_rule *rule, const char *text, enum ss_cover cover)
{
    rule->kind = SS_RULE_NETWORK;
    if (cover != SS_COVER_BELOW && strchr(text, '/') == NULL &&
        ssp__network_parse(&rule->network, text) == 0)
        return 0;
    rule->kind = SS_RULE_NAME;
    rule->cover = cover;
    return ss_host_name(rule->name, text) == 0 && ss_host_name_valid(rule->name) ? 0 : -1;
}

/* Writes the name that an expression spells out, up to "$".  Returns 0, or -1 when it does more. */
static int spell(char out[SSP_HOST_MAX], const char *text)
{
    size_t n = 0;
    for (; *text != '\0' && strcmp(text, "$") != 0; text++) {
        if (n + 1 == SSP_HOST_MAX)
            return -1;
        if (*text == '\\' && (text[1] == '.' || text[1] == '-'))
            out[n++] = *++text;
        else if ((unsigned char)*text >= 0x80 || (*text != '\0' && strchr("-_", *text) != NULL) ||
                 (*text >= '0' && *text <= '9') || ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z'))
            out[n++] = *text;
        else
            return -1;
    }
    out[n] = '\0';
    return *text == '$' ? 0 : -1;
}

static bool read_simple(struct ss_rule *rule, const char *text)
{
    char name[SSP_HOST_MAX];
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        size_t n = strlen(beginnings[i].text);
        if (strncmp(text, beginnings[i].text, n) == 0 && spell(name, text + n) == 0)
            return read_name(rule, name, beginnings[i].cover) == 0;
    }
    return false;
}

/* Made of what addresses are made of: no name has a colon, a slash, or digits and dots alone. */
static bool looks_like_network(const char *text)
{
    size_t v4 = strspn(text, "0123456789./"), v6 = strspn(text, "0123456789abcdefABCDEF:./%");
    return text[v4] == '\0' || (text[v6] == '\0' && strpbrk(text, ":/") != NULL);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

int ss_rule_read(struct ss_rule *rule, const char *text, const char **why)
{
    if (ssp__network_parse(&rule->network, text) == 0) {
        rule->kind = SS_RULE_NETWORK;
        return 0;
    }
    *why = "is no network (expected an address, and /0 to /32 or /128)";
    if (looks_like_network(text))
        return -1;
    *why = "is no host name (expected one such as ||example.com, which covers all below it)";
    if (text[0] == '|' && text[1] == '|')
        return read_name(rule, text + 2, SS_COVER_DOMAIN);
    if (text[0] == '|')
        return read_name(rule, text + 1, SS_COVER_EXACT);
    if (read_simple(rule, text))
        return 0;
    *why = "has letters that no name has (expected punycode, or ||name)";
    rule->kind = SS_RULE_EXPRESSION;
    return is_ascii(text) ? 0 : -1;
}
