/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an access list, and each of its lines as a target: verdicts name lines of the text,
 * and an address is the same in both of its forms. */
#include "must.h"

#include "acl/acl.h"

#include <stdio.h>
#include <string.h>

struct remarks {
    unsigned mistakes, lines;
};

static void tell(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    struct remarks *r = arg;
    must(line <= r->lines && text[0] != '\0');
    r->mistakes += remark == SS_ACL_MISTAKE;
}

static void ask_name(const struct ss_acl *acl, const struct remarks *r, const char *name)
{
    struct ss_acl_verdict v = ss_acl_name(acl, name);
    must(v.line <= r->lines && (v.way != SS_ACL_BY_ADDRESS || v.line == 0));
    v = ss_acl_outbound_name(acl, name);
    must(v.line <= r->lines && (v.way != SS_ACL_BY_ADDRESS || v.line == 0));
}

static void ask_address(const struct ss_acl *acl, const struct remarks *r, const char *text)
{
    char mapped[64];
    struct ssp__address a, b;
    if (ssp__address_parse(&a, text, 1) == -1)
        return;
    struct ss_acl_verdict v = ss_acl_address(acl, &a);
    must(v.line <= r->lines && v.way != SS_ACL_BY_ADDRESS);
    if (a.u.any.sa_family != AF_INET)
        return;
    (void)snprintf(mapped, sizeof mapped, "::ffff:%s", text);
    must(ssp__address_parse(&b, mapped, 1) == 0);
    struct ss_acl_verdict w = ss_acl_address(acl, &b);
    must(v.way == w.way && v.line == w.line);
    (void)ss_acl_outbound_address(acl, &a, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remarks r = {.lines = 1};
    if (size > 65536)
        return 0;
    char *text = must_text(data, size);
    for (size_t i = 0; i < size; i++)
        r.lines += text[i] == '\n';
    struct ss_acl *acl = ss_acl_read(text, size, tell, &r);
    must((acl == NULL) == (r.mistakes > 0));
    char *rest = NULL;
    unsigned left = 50;
    for (char *line = strtok_r(text, "\n", &rest); acl != NULL && line != NULL && left-- > 0;
         line = strtok_r(NULL, "\n", &rest)) {
        ask_name(acl, &r, line);
        ask_address(acl, &r, line);
    }
    ss_acl_free(acl);
    free(text);
    return 0;
}
