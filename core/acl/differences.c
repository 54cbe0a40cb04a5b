/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/differences.h"

#include <stdio.h>
#include <string.h>

enum { LIBEV_LINE_MAX = 255, REMARK_MAX = 200 };

static bool has(const char *text, bool (*is)(unsigned char c))
{
    for (; *text != '\0'; text++) {
        if (is((unsigned char)*text))
            return true;
    }
    return false;
}

static bool beyond_ascii(unsigned char c)
{
    return c >= 0x80;
}

/* Upper case, other than in an escape such as \D. */
static bool has_upper(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        else if (*text >= 'A' && *text <= 'Z')
            return true;
    }
    return false;
}

/* Features of PCRE that the engine of shadowsocks-rust leaves out. */
static bool looks_around(const char *text)
{
    static const char *const features[] = {"(?=", "(?!", "(?<=", "(?<!",
                                           "(?>", "(?(", "\\1",  "\\2"};
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (strstr(text, features[i]) != NULL)
            return true;
    }
    return false;
}

void ss_differences_of_line(const struct ss_acl_line *line, const struct ss_rule *rule,
                            ss_acl_remark_fn *tell, void *arg)
{
    bool named = rule != NULL && rule->kind != SS_RULE_NETWORK;
    bool barred = rule != NULL && line->text[0] == '|';
    bool expression = named && !barred;
    const struct {
        bool differs;
        const char *remark;
    } rows[] = {
        {line->marked, "a byte order mark is in front of the first line: shadowsocks-libev and "
                       "shadowsocks-rust do not read that line"},
        {line->len > LIBEV_LINE_MAX,
         "the line has more than 255 bytes: shadowsocks-libev leaves it out"},
        {line->commented, "shadowsocks-rust takes the comment behind the text for a part of it"},
        {line->newer, "shadowsocks-libev takes the section for an expression, which matches nearly "
                      "every name"},
        {barred, "shadowsocks-libev takes || and | for an expression that matches every name"},
        {named && has(line->text, beyond_ascii),
         "shadowsocks-libev compares letters beyond ASCII with names in punycode, and "
         "shadowsocks-rust leaves the line out"},
        {expression && has_upper(line->text),
         "shadowsocks-libev does not find names in lower case by upper case"},
        {expression && rule->kind == SS_RULE_EXPRESSION && looks_around(line->text),
         "shadowsocks-rust refuses the file for look-around and back-references"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].differs)
            tell(arg, SS_ACL_DIFFERS, line->number, rows[i].remark);
    }
}

/* ---- two lists that contradict each other ---- */

static void tell_both(unsigned line, unsigned other, ss_acl_remark_fn *tell, void *arg)
{
    char text[REMARK_MAX];
    (void)snprintf(text, sizeof text,
                   "line %u has it in the other list: the bypass list decides, in "
                   "shadowsocks-rust the proxy list",
                   other);
    tell(arg, SS_ACL_DIFFERS, line, text);
}

/* The names of one list that the other one has as well. */
static void compare_names(const struct ss_acl *acl, enum ss_acl_list list, enum ss_acl_list other,
                          ss_acl_remark_fn *tell, void *arg)
{
    const struct ss_name_set *names = &acl->list[list].names;
    for (size_t i = 0; i < names->n; i++) {
        const struct ss_name_entry *e = &names->entry[i];
        unsigned found = ss_rules_name(acl, other, names->text + e->at);
        for (unsigned cover = 0; found != 0 && cover < SS_COVERS; cover++) {
            if (e->line[cover] != 0)
                tell_both(e->line[cover], found, tell, arg);
        }
    }
}

static void compare_networks(const struct ss_acl *acl, enum ss_acl_list list,
                             enum ss_acl_list other, ss_acl_remark_fn *tell, void *arg)
{
    const struct ssp__networks *networks = &acl->list[list].networks;
    for (uint32_t i = 0; i < networks->n; i++) {
        const struct ssp__network_node *node = &networks->node[i];
        const struct ssp__network net = {
            .word = {node->word[0], node->word[1]}, .len = node->len, .v6 = node->v6};
        unsigned found = node->line != 0 ? ssp__networks_find(&acl->list[other].networks, &net) : 0;
        if (found != 0)
            tell_both(node->line, found, tell, arg);
    }
}

void ss_differences_of_lists(const struct ss_acl *acl, ss_acl_remark_fn *tell, void *arg)
{
    compare_names(acl, SS_ACL_BYPASS, SS_ACL_PROXY, tell, arg);
    compare_names(acl, SS_ACL_PROXY, SS_ACL_BYPASS, tell, arg);
    if (!acl->around) /* else the proxy list says nothing that is not the default */
        return;
    compare_networks(acl, SS_ACL_BYPASS, SS_ACL_PROXY, tell, arg);
    compare_networks(acl, SS_ACL_PROXY, SS_ACL_BYPASS, tell, arg);
}
