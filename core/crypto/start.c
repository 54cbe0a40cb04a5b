/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/start.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stddef.h>

const char *ss_crypto_start(void (*give_up)(void))
{
    if (sodium_set_misuse_handler(give_up) == -1 || sodium_init() == -1)
        return "libsodium cannot start: no source of randomness";
    /* Its functions use a context without locks where memory was out in the making of it. */
    if (OSSL_LIB_CTX_get0_global_default() == NULL)
        return "libcrypto cannot start: out of memory";
    return NULL;
}
