/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a transport program. */
#include "pt-wrap/socks.h"

#include <ssplugin/testing.h>

SSP_FUZZ_TARGET(pt_socks, "host=example.org;port=443;args=key\\=value")
