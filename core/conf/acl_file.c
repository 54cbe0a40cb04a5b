/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/acl_file.h"

#include "conf/complain.h"
#include "conf/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 << 20, TEXT_MAX = 200 };

/* The file and what it says: the test shows lines of it. */
struct source {
    char *text;
    size_t len;
    struct ss_acl *acl;
};

static void open_source(struct source *s, const char *path, bool runs, ss_acl_remark_fn *tell,
                        void *arg)
{
    char why[SS_FETCH_WHY_MAX];
    *s = (struct source){.len = 0};
    s->text = ss_fetch_file(path, runs, FILE_MAX, &s->len, why);
    if (s->text == NULL)
        tell(arg, SS_ACL_MISTAKE, 0, why);
    else
        s->acl = ss_acl_read(s->text, s->len, tell, arg);
}

struct ss_acl *ss_acl_file_read(const char *path, ss_acl_remark_fn *tell, void *arg)
{
    struct source s;
    open_source(&s, path, true, tell, arg);
    free(s.text);
    return s.acl;
}

/* ---- the test ---- */

static void complain(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    char number[32];
    struct ss_origin *origin = arg;
    (void)snprintf(number, sizeof number, "line %u", line);
    origin->name = line > 0 ? number : NULL;
    if (remark == SS_ACL_MISTAKE)
        ss_complain(origin, "%s", text);
    origin->name = NULL;
}

/* "by line 12: ||example.com", or the words for a decision without a rule. */
static void by(char out[TEXT_MAX], const struct source *s, unsigned line, const char *otherwise)
{
    const char *at = s->text, *end = s->text + s->len;
    if (line == 0) {
        (void)snprintf(out, TEXT_MAX, "%s", otherwise);
        return;
    }
    for (unsigned i = 1; i < line && at < end; i++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next != NULL ? next + 1 : end;
    }
    int len = 0;
    while (at + len < end && (unsigned char)at[len] >= ' ' && len < TEXT_MAX / 2)
        len++;
    (void)snprintf(out, TEXT_MAX, "by line %u: %.*s", line, len, at);
}

static void test_client(const struct source *s, const char *target, const struct ssp__address *a)
{
    char why[TEXT_MAX];
    static const char *const ways[] = {[SS_ACL_AROUND] = "bypass", [SS_ACL_THROUGH] = "proxy"};
    struct ss_acl_verdict v = a != NULL ? ss_acl_address(s->acl, a) : ss_acl_name(s->acl, target);
    by(why, s, v.line, "by default");
    if (v.way == SS_ACL_BY_ADDRESS)
        printf("%s: no rule for the name; its addresses decide\n", target);
    else
        printf("%s: %s, %s\n", target, ways[v.way], why);
}

static void test_server(const struct source *s, const char *target, const struct ssp__address *a)
{
    char why[TEXT_MAX];
    struct ss_acl_verdict v =
        a != NULL
            ? ss_acl_outbound_address(s->acl, a, (struct ss_acl_verdict){.way = SS_ACL_BY_ADDRESS})
            : ss_acl_outbound_name(s->acl, target);
    by(why, s, v.line, v.way == SS_ACL_AROUND ? "by [outbound_block_all]" : "\"outbound\" decides");
    if (v.way == SS_ACL_BY_ADDRESS)
        printf("%s: no rule for the name; its addresses decide\n", target);
    else
        printf("%s as a target: %s, %s\n", target, v.way == SS_ACL_AROUND ? "refused" : "allowed",
               why);
    if (a == NULL)
        return;
    v = ss_acl_address(s->acl, a);
    by(why, s, v.line, "by default");
    printf("%s as a client: %s, %s\n", target, v.way == SS_ACL_AROUND ? "refused" : "served", why);
}

int ss_acl_file_test(enum ss_program program, const char *path, int n, char **target)
{
    struct ss_origin origin = {.program = program, .path = path};
    struct source s;
    if (n == 0)
        ss_complain(&(struct ss_origin){.program = program, .name = "--acl-test"},
                    "names no target (expected --acl-test <file> <name or address>)");
    if (n == 0)
        return SS_EXIT_USAGE;
    open_source(&s, path, false, complain, &origin);
    for (int i = 0; i < n && s.acl != NULL; i++) {
        struct ssp__address a;
        bool literal = ssp__address_parse(&a, target[i], 0) == 0;
        if (ss_programs[program].role == SSP_SERVER)
            test_server(&s, target[i], literal ? &a : NULL);
        else
            test_client(&s, target[i], literal ? &a : NULL);
    }
    int status = s.acl != NULL ? SS_EXIT_OK : SS_EXIT_USAGE;
    ss_acl_free(s.acl);
    free(s.text);
    return status;
}
