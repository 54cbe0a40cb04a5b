/* SPDX-License-Identifier: Apache-2.0 */
/* basic.h - Basic authentication of a proxy (RFC 7617). */
#ifndef SS_HTTP_BASIC_H
#define SS_HTTP_BASIC_H

#include "http/head.h"
#include "proto/accounts.h"

/* True when the value of Proxy-Authorization names an account and its password. */
bool ss_http_basic_allows(const struct ss_accounts *accounts, struct ss_http_text value);

#endif
