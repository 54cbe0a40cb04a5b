/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/accounts.h"

#include <sodium.h>
#include <string.h>

/* Texts of different lengths are compared as well. */
static unsigned same(const char *text, struct ss_span span)
{
    uint8_t ours[SS_ACCOUNT_TEXT_MAX + 1] = {0}, theirs[SS_ACCOUNT_TEXT_MAX + 1] = {0};
    size_t len = strlen(text);
    if (span.len > SS_ACCOUNT_TEXT_MAX || len > SS_ACCOUNT_TEXT_MAX)
        return 0;
    memcpy(ours, text, len);
    if (span.len > 0)
        memcpy(theirs, span.bytes, span.len);
    unsigned equal = sodium_memcmp(ours, theirs, sizeof ours) == 0;
    sodium_memzero(ours, sizeof ours);
    sodium_memzero(theirs, sizeof theirs);
    return equal & (len == span.len);
}

bool ss_accounts_allow(const struct ss_accounts *accounts, struct ss_span name,
                       struct ss_span password)
{
    unsigned allowed = 0;
    for (size_t i = 0; i < accounts->n; i++) {
        const struct ss_account *a = &accounts->at[i];
        unsigned named = same(a->name, name);
        allowed |= named & same(a->password, password);
    }
    return allowed != 0;
}
