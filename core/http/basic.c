/* SPDX-License-Identifier: Apache-2.0 */
#include "http/basic.h"

#include <sodium.h>
#include <string.h>

/* Base64 of a user and a password as long as they may be, and the colon. */
enum { PLAIN_MAX = 2 * SS_ACCOUNT_TEXT_MAX + 1 };

bool ss_http_basic_allows(const struct ss_accounts *accounts, struct ss_http_text value)
{
    uint8_t plain[PLAIN_MAX];
    size_t n = 0;
    struct ss_http_text scheme = ss_http_cut(&value, ' ');
    value = ss_http_trim(value);
    while (value.len > 0 && value.at[value.len - 1] == '=')
        value.len--;
    if (!ss_http_is(scheme, "basic") ||
        sodium_base642bin(plain, sizeof plain, value.at, value.len, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
        return false;
    const uint8_t *colon = memchr(plain, ':', n);
    size_t user = colon != NULL ? (size_t)(colon - plain) : n;
    bool allowed = colon != NULL && ss_accounts_allow(accounts, (struct ss_span){plain, user},
                                                      (struct ss_span){colon + 1, n - user - 1});
    sodium_memzero(plain, sizeof plain);
    return allowed;
}
