/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/acl.h"

#include "acl/differences.h"
#include "acl/lists.h"
#include "acl/rule.h"
#include "base/guess.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULE_MAX = 4096, REMARK_MAX = 400, SHOWN = 80 };

struct reader {
    struct ss_acl *acl;
    enum ss_acl_list list; /* that rules go to */
    ss_acl_remark_fn *tell;
    void *arg;
    bool refused;
};

static void __attribute__((format(printf, 3, 4)))
refuse(struct reader *r, unsigned line, const char *format, ...)
{
    char text[REMARK_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->tell(r->arg, SS_ACL_MISTAKE, line, text);
    r->refused = true;
}

/* ---- sections ---- */

enum section { TO_LIST, AROUND, THROUGH, BLOCK_ALL, ALLOW_ALL };

static const struct {
    const char *name;
    enum section section;
    enum ss_acl_list list;
    bool newer;
} sections[] = {
    {"[bypass_list]", TO_LIST, SS_ACL_BYPASS, false},
    {"[black_list]", TO_LIST, SS_ACL_BYPASS, false},
    {"[proxy_list]", TO_LIST, SS_ACL_PROXY, false},
    {"[white_list]", TO_LIST, SS_ACL_PROXY, false},
    {"[outbound_block_list]", TO_LIST, SS_ACL_BLOCK, false},
    {"[outbound_allow_list]", TO_LIST, SS_ACL_ALLOW, true},
    {"[bypass_all]", AROUND, SS_ACL_LISTS, false},
    {"[reject_all]", AROUND, SS_ACL_LISTS, false},
    {"[proxy_all]", THROUGH, SS_ACL_LISTS, false},
    {"[accept_all]", THROUGH, SS_ACL_LISTS, false},
    {"[outbound_block_all]", BLOCK_ALL, SS_ACL_LISTS, true},
    {"[outbound_allow_all]", ALLOW_ALL, SS_ACL_LISTS, true},
};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* A pair of brackets around all of it: an expression with a class of letters has more behind it. */
static bool is_section(const char *text)
{
    size_t len = strlen(text);
    return text[0] == '[' && text[len - 1] == ']' && strchr(text, ']') == text + len - 1;
}

static void refuse_section(struct reader *r, const struct ss_acl_line *line)
{
    struct ssp__guess guess;
    ssp__guess_begin(&guess, line->text);
    for (size_t i = 0; i < SECTIONS; i++)
        (void)ssp__guess_offer(&guess, sections[i].name);
    bool near = guess.best != NULL;
    refuse(r, line->number, "%.*s is no section%s%s%s", SHOWN, line->text,
           near ? " (did you mean " : "", near ? guess.best : "", near ? "?)" : "");
}

static void take_section(struct reader *r, struct ss_acl_line *line)
{
    struct ss_acl *acl = r->acl;
    size_t i = 0;
    while (i < SECTIONS && strcmp(line->text, sections[i].name) != 0)
        i++;
    if (i == SECTIONS) {
        refuse_section(r, line);
        return;
    }
    enum section s = sections[i].section;
    if (s == TO_LIST)
        r->list = sections[i].list;
    if (s == AROUND || s == THROUGH)
        acl->around = s == AROUND;
    if (s == BLOCK_ALL || s == ALLOW_ALL)
        acl->block_all = s == BLOCK_ALL;
    line->newer = sections[i].newer;
    ss_differences_of_line(line, NULL, r->tell, r->arg);
}

/* ---- rules ---- */

static void add_expression(struct reader *r, struct ss_rules *rules, const struct ss_acl_line *line)
{
    char why[SS_EXPRESSION_WHY_MAX] = "out of memory";
    if (rules->expressions == NULL)
        rules->expressions = ss_expressions_new();
    if (rules->expressions == NULL ||
        ss_expressions_add(rules->expressions, line->text, line->number, why) == -1)
        refuse(r, line->number, "%.*s is no expression: %s", SHOWN, line->text, why);
}

static void take_rule(struct reader *r, const struct ss_acl_line *line)
{
    struct ss_rules *rules = &r->acl->list[r->list];
    struct ss_rule rule;
    const char *why;
    int rc = 0;
    if (ss_rule_read(&rule, line->text, &why) == -1) {
        refuse(r, line->number, "%.*s %s", SHOWN, line->text, why);
        return;
    }
    if (rule.kind == SS_RULE_NAME)
        rc = ss_name_set_add(&rules->names, rule.name, rule.cover, line->number);
    else if (rule.kind == SS_RULE_NETWORK)
        rc = ssp__networks_add(&rules->networks, &rule.network, line->number);
    else
        add_expression(r, rules, line);
    if (rc == -1)
        refuse(r, line->number, "out of memory");
    r->acl->rules++;
    ss_differences_of_line(line, &rule, r->tell, r->arg);
}

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c != '\0' && strchr(" \t\r\v\f", c) != NULL;
}

/* Text without the blanks around it; writes how long it is. */
static const char *trim(const char *text, size_t *len)
{
    while (*len > 0 && is_blank(*text)) {
        text++;
        (*len)--;
    }
    while (*len > 0 && is_blank(text[*len - 1]))
        (*len)--;
    return text;
}

static void take_line(struct reader *r, const char *text, struct ss_acl_line *line)
{
    char copy[RULE_MAX];
    size_t len = line->len;
    const char *comment = memchr(text, '#', len);
    if (comment != NULL)
        len = (size_t)(comment - text);
    text = trim(text, &len);
    if (len == 0)
        return;
    if (len >= sizeof copy || memchr(text, '\0', len) != NULL) {
        refuse(r, line->number, "the line is %s",
               len >= sizeof copy ? "too long (expected at most 4095 bytes)" : "no text");
        return;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    line->text = copy;
    line->commented = comment != NULL;
    if (is_section(copy))
        take_section(r, line);
    else
        take_rule(r, line);
    line->text = NULL;
}

static void take_lines(struct reader *r, const char *text, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct ss_acl_line line = {.number = 0};
    bool marked = len >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0;
    const char *end = text + len;
    if (marked)
        text += sizeof mark - 1;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop != NULL ? stop : end;
        line = (struct ss_acl_line){.number = line.number + 1,
                                    .len = (size_t)(stop - text),
                                    .marked = marked && line.number == 0};
        take_line(r, text, &line);
        text = stop + 1;
    }
}

struct ss_acl *ss_acl_read(const char *text, size_t len, ss_acl_remark_fn *tell, void *arg)
{
    struct reader r = {.list = SS_ACL_BYPASS, .tell = tell, .arg = arg};
    r.acl = calloc(1, sizeof *r.acl);
    if (r.acl == NULL) {
        tell(arg, SS_ACL_MISTAKE, 0, "out of memory");
        return NULL;
    }
    take_lines(&r, text, len);
    if (!r.refused) {
        ss_differences_of_lists(r.acl, tell, arg);
        return r.acl;
    }
    ss_acl_free(r.acl);
    return NULL;
}
