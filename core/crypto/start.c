/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/start.h"

#include "libcrypto/start.h"

#include <sodium.h>
#include <stddef.h>

const char *ss_crypto_start(void (*give_up)(void), int status)
{
    if (sodium_set_misuse_handler(give_up) == -1 || sodium_init() == -1)
        return "libsodium cannot start: no source of randomness";
    ssp__libcrypto_start(status);
    return NULL;
}
