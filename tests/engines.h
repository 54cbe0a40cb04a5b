/* SPDX-License-Identifier: Apache-2.0 */
/* engines.h - the libraries that can compute the ciphers here. */
#ifndef TESTS_ENGINES_H
#define TESTS_ENGINES_H

#include "crypto/engine.h"

#include <stdio.h>

/* Runs it with libcrypto (NULL), and with intel-ipsec-mb where that can be had.  Returns the sum of
 * what it returned. */
static inline int with_each_engine(int (*run)(const struct ss_engine *gcm))
{
    const char *why;
    const struct ss_engine *ipsec_mb = ss_engine_ipsec_mb(&why);
    int failed = run(NULL);
    if (ipsec_mb != NULL)
        failed += run(ipsec_mb);
    else
        (void)fprintf(stderr, "without intel-ipsec-mb: %s\n", why);
    return failed;
}

#endif
