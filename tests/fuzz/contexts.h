/* SPDX-License-Identifier: Apache-2.0 */
/* contexts.h - those of each library that can compute the ciphers here, one set for the process:
 * each input takes what the one before has left. */
#ifndef TESTS_FUZZ_CONTEXTS_H
#define TESTS_FUZZ_CONTEXTS_H

#include "crypto/engine.h"

#include <stddef.h>

enum { FUZZ_ENGINES = 2 };

/* i is 0 for libcrypto and 1 for intel-ipsec-mb; NULL where that cannot be had. */
static inline struct ss_contexts *contexts_of(unsigned i)
{
    static struct ss_contexts *all[FUZZ_ENGINES];
    const char *why;
    const struct ss_engine *ipsec_mb;
    if (all[0] == NULL) {
        all[0] = ss_contexts_with(NULL);
        ipsec_mb = ss_engine_ipsec_mb(&why);
        all[1] = ipsec_mb != NULL ? ss_contexts_with(ipsec_mb) : NULL;
    }
    return all[i];
}

#endif
