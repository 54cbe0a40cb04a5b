/* SPDX-License-Identifier: Apache-2.0 */
/* accounts.h - the names and passwords that clients of a proxy authenticate with. */
#ifndef SS_PROTO_ACCOUNTS_H
#define SS_PROTO_ACCOUNTS_H

#include "crypto/key.h"

enum { SS_ACCOUNT_TEXT_MAX = 255 }; /* bytes of each, by RFC 1929 */

struct ss_account {
    char *name, *password;
};

/* Zero is none: then everyone may come. */
struct ss_accounts {
    const struct ss_account *at; /* borrowed */
    size_t n;
};

/* The time does not depend on the bytes that are compared, nor on which account it is. */
bool ss_accounts_allow(const struct ss_accounts *accounts, struct ss_span name,
                       struct ss_span password);

#endif
