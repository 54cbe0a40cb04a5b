/* SPDX-License-Identifier: Apache-2.0 */
#include "libcrypto/start.h"

#include <ssplugin/log.h>

#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* libcrypto has one allocator, which has no context. */
/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): of the process, as libcrypto */
static atomic_ulong failures;
static atomic_int at_failure; /* the status of the end; 0: the caller is told */
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

static _Noreturn void end(int status)
{
    ssp_error("libcrypto cannot start: out of memory");
    _exit(status);
}

/* While it starts, some functions of libcrypto do not look at what they get. */
static void *none_left(void)
{
    int status = atomic_load(&at_failure);
    if (status != 0)
        end(status);
    (void)atomic_fetch_add(&failures, 1);
    return NULL;
}

/* A start takes ten thousand blocks. */
static void *take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size == 0)
        return NULL;
    void *block = malloc(size);
    return block != NULL ? block : none_left();
}

static void *resize(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size == 0) {
        free(block);
        return NULL;
    }
    void *larger = realloc(block, size);
    return larger != NULL ? larger : none_left();
}

static void release(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(block);
}

/* The first step of each function of this kind loads the algorithms.
 * NOLINTBEGIN(bugprone-macro-parentheses): a type has none. */
#define LOADS(type)                                                                                \
    static void load_##type(OSSL_LIB_CTX *library)                                                 \
    {                                                                                              \
        type##_do_all_provided(library, pass_##type, NULL);                                        \
    }
#define KIND(type)                                                                                 \
    static void pass_##type(type *algorithm, void *arg)                                            \
    {                                                                                              \
        (void)algorithm, (void)arg;                                                                \
    }                                                                                              \
    LOADS(type)
/* NOLINTEND(bugprone-macro-parentheses) */

KIND(EVP_MD)
KIND(EVP_CIPHER)
KIND(EVP_MAC)
KIND(EVP_KDF)
KIND(EVP_RAND)
KIND(EVP_KEYMGMT)
KIND(EVP_KEYEXCH)
KIND(EVP_SIGNATURE)
KIND(EVP_ASYM_CIPHER)
KIND(EVP_KEM)
KIND(OSSL_DECODER)

void ssp__libcrypto_load(OSSL_LIB_CTX *library)
{
    static void (*const kinds[])(OSSL_LIB_CTX *) = {
        load_EVP_MD,          load_EVP_CIPHER,  load_EVP_MAC,     load_EVP_KDF,
        load_EVP_RAND,        load_EVP_KEYMGMT, load_EVP_KEYEXCH, load_EVP_SIGNATURE,
        load_EVP_ASYM_CIPHER, load_EVP_KEM,     load_OSSL_DECODER};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        kinds[i](library);
}

/* A program that has an allocator of its own, or has used libcrypto before, keeps what it has: its
 * blocks would go back to another one. */
static void serve_memory(void)
{
    CRYPTO_malloc_fn present = NULL;
    CRYPTO_get_mem_functions(&present, NULL, NULL);
    if (present == CRYPTO_malloc)
        (void)CRYPTO_set_mem_functions(take, resize, release);
}

void ssp__libcrypto_start(int status)
{
    static atomic_bool started;
    if (atomic_exchange(&started, true))
        return;
    serve_memory();
    atomic_store(&at_failure, status);
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
        end(status);
    ssp__libcrypto_load(NULL);
    atomic_store(&at_failure, 0);
}

unsigned long ssp__libcrypto_failures(void)
{
    return atomic_load(&failures);
}
