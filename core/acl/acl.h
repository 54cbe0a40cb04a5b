/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl.h - an access list: the text of its file becomes tables, which say where a target goes, and
 * what is refused.  The rules, and their precedence, are those of shadowplug.acl(5).
 */
#ifndef SS_ACL_ACL_H
#define SS_ACL_ACL_H

#include "base/address.h"

enum ss_acl_list {
    SS_ACL_BYPASS, /* clients: dialed around the server; ss-server: clients that are refused */
    SS_ACL_PROXY,  /* clients: through the server; ss-server: clients that are served */
    SS_ACL_BLOCK,  /* ss-server: targets that are refused */
    SS_ACL_ALLOW,  /* ss-server: targets that are not */
    SS_ACL_LISTS
};

struct ss_acl;

/* A remark about one line. */
enum ss_acl_remark {
    SS_ACL_MISTAKE, /* the file is refused */
    SS_ACL_DIFFERS  /* another implementation reads the line otherwise */
};
typedef void ss_acl_remark_fn(void *arg, enum ss_acl_remark remark, unsigned line,
                              const char *text);

/* Reads the text of a file.  Tells every mistake; NULL when there is one, or memory is out. */
struct ss_acl *ss_acl_read(const char *text, size_t len, ss_acl_remark_fn *tell, void *arg);
void ss_acl_free(struct ss_acl *acl); /* accepts NULL */

/* How many rules it has. */
size_t ss_acl_rules(const struct ss_acl *acl);

enum ss_acl_way {
    SS_ACL_AROUND,    /* bypasses the server, or is refused */
    SS_ACL_THROUGH,   /* goes through the server, or is allowed */
    SS_ACL_BY_ADDRESS /* of a name: its addresses decide */
};

/* A decision, and the line of its rule; 0: no rule says so, but the default. */
struct ss_acl_verdict {
    enum ss_acl_way way;
    unsigned line;
};

/* Where a client of ours takes a name, in any form, or an address; also which clients ss-server
 * serves, by their address. */
struct ss_acl_verdict ss_acl_name(const struct ss_acl *acl, const char *name);
struct ss_acl_verdict ss_acl_address(const struct ss_acl *acl, const struct ssp__address *address);

/* Whether ss_acl_address() says of any client that it is refused. */
bool ss_acl_refuses_clients(const struct ss_acl *acl);

/* Whether it says anything of the targets of ss-server. */
bool ss_acl_judges_targets(const struct ss_acl *acl);

/* The targets that ss-server may dial: a name, and each of its addresses, where `named` is the
 * verdict about the name, BY_ADDRESS without one.  An address is allowed by a line only if a rule
 * for addresses says so. */
struct ss_acl_verdict ss_acl_outbound_name(const struct ss_acl *acl, const char *name);
struct ss_acl_verdict ss_acl_outbound_address(const struct ss_acl *acl,
                                              const struct ssp__address *address,
                                              struct ss_acl_verdict named);

#endif
