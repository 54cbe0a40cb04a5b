/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - two configurations, one of a program that runs and one that is to follow it.
 */
#ifndef SS_CONF_COMPARE_H
#define SS_CONF_COMPARE_H

#include "conf/conf.h"

enum { SS_KEY_PRINT = 32 };

/* The first setting that differs, by its name, or NULL.  groups has bits of fields.h: SS_AT_START,
 * SS_OF_*.  Keys are wiped in a program that runs, so that they have a print instead. */
const char *ss_conf_differs(const struct ss_conf *a, const struct ss_conf *b, unsigned groups);

bool ss_endpoint_same(const struct ssp__endpoint *a, const struct ssp__endpoint *b);

/* True when both have the same addresses of servers, or the same users of a client. */
bool ss_conf_same_servers(const struct ss_conf *a, const struct ss_conf *b);
bool ss_conf_same_accounts(const struct ss_conf *a, const struct ss_conf *b);

/* Tells keys apart, and shows nothing of them: secret is random.  Method, key, prefix and whether
 * there are users, but not which. */
void ss_conf_key_print(uint8_t print[SS_KEY_PRINT], const struct ss_conf *conf,
                       const uint8_t secret[SS_KEY_PRINT]);

#endif
