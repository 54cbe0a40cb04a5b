/* SPDX-License-Identifier: Apache-2.0 */
/* Where intel-ipsec-mb was not there, or cannot be, when this was built. */
#include "crypto/engine.h"

const struct ss_engine *ss_engine_ipsec_mb(const char **why)
{
    *why = "not there when this was built";
    return NULL;
}
