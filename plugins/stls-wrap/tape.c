/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/tape.h"

#include "libcrypto/start.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAPE_MAX = 4096, /* a ClientHello with a key share of ML-KEM draws less than 300 */
    STRENGTH = 256,
    REQUEST_MAX = 1 << 16
};

enum mode { LIVE, RECORD, REPLAY };

/* The context of the provider. */
struct reel {
    enum mode mode;
    size_t len, at;
    uint8_t bytes[TAPE_MAX];
};

struct stls_tape {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *algorithms, *provider;
    struct reel *reel; /* the provider's */
};

/* ---- the provider ---- */

static bool draw(struct reel *r, unsigned char *out, size_t n)
{
    if (r->mode == REPLAY) {
        if (n > r->len - r->at)
            return false;
        memcpy(out, r->bytes + r->at, n);
        r->at += n;
        return true;
    }
    if (RAND_bytes(out, (int)n) != 1)
        return false;
    if (r->mode == LIVE)
        return true;
    if (n > TAPE_MAX - r->len)
        return false;
    memcpy(r->bytes + r->len, out, n);
    r->len += n;
    return true;
}

/* All generators are the reel itself. */
static void *rand_new(void *context, void *parent, const OSSL_DISPATCH *parent_calls)
{
    (void)parent, (void)parent_calls;
    return context;
}

static void rand_free(void *at)
{
    (void)at;
}

/* NOLINTNEXTLINE(readability-function-size): OpenSSL's callback */
static int rand_begin(void *at, unsigned strength, int resistance, const unsigned char *personal,
                      size_t n, const OSSL_PARAM params[])
{
    (void)at, (void)strength, (void)resistance, (void)personal, (void)n, (void)params;
    return 1;
}

static int rand_end(void *at)
{
    (void)at;
    return 1;
}

/* NOLINTNEXTLINE(readability-function-size): OpenSSL's callback */
static int rand_draw(void *at, unsigned char *out, size_t n, unsigned strength, int resistance,
                     const unsigned char *more, size_t more_len)
{
    (void)strength, (void)resistance, (void)more, (void)more_len;
    return draw(at, out, n) ? 1 : 0;
}

static int rand_lock(void *at)
{
    (void)at;
    return 1;
}

static const OSSL_PARAM *rand_gettable(void *at, void *context)
{
    static const OSSL_PARAM known[] = {
        {OSSL_RAND_PARAM_STATE, OSSL_PARAM_INTEGER, NULL, sizeof(int), 0},
        {OSSL_RAND_PARAM_STRENGTH, OSSL_PARAM_UNSIGNED_INTEGER, NULL, sizeof(unsigned), 0},
        {OSSL_RAND_PARAM_MAX_REQUEST, OSSL_PARAM_UNSIGNED_INTEGER, NULL, sizeof(size_t), 0},
        {NULL, 0, NULL, 0, 0}};
    (void)at, (void)context;
    return known;
}

static int rand_get(void *at, OSSL_PARAM params[])
{
    OSSL_PARAM *state = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
    OSSL_PARAM *strength = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
    OSSL_PARAM *most = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
    (void)at;
    return (state == NULL || OSSL_PARAM_set_int(state, EVP_RAND_STATE_READY) == 1) &&
           (strength == NULL || OSSL_PARAM_set_uint(strength, STRENGTH) == 1) &&
           (most == NULL || OSSL_PARAM_set_size_t(most, REQUEST_MAX) == 1);
}

/* OpenSSL's tables of functions have no other type. */
#define FUNCTION(id_, fn_)                                                                         \
    {                                                                                              \
        (id_), (void (*)(void))(fn_)                                                               \
    }

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    static const OSSL_DISPATCH functions[] = {
        FUNCTION(OSSL_FUNC_RAND_NEWCTX, rand_new),
        FUNCTION(OSSL_FUNC_RAND_FREECTX, rand_free),
        FUNCTION(OSSL_FUNC_RAND_INSTANTIATE, rand_begin),
        FUNCTION(OSSL_FUNC_RAND_UNINSTANTIATE, rand_end),
        FUNCTION(OSSL_FUNC_RAND_GENERATE, rand_draw),
        FUNCTION(OSSL_FUNC_RAND_ENABLE_LOCKING, rand_lock),
        FUNCTION(OSSL_FUNC_RAND_LOCK, rand_lock),
        FUNCTION(OSSL_FUNC_RAND_UNLOCK, rand_free),
        FUNCTION(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, rand_gettable),
        FUNCTION(OSSL_FUNC_RAND_GET_CTX_PARAMS, rand_get),
        {0, NULL}};
    static const OSSL_ALGORITHM generators[] = {
        {"STLS-TAPE", "provider=stls-tape", functions, NULL}, {NULL, NULL, NULL, NULL}};
    (void)context;
    *no_cache = 0;
    return operation == OSSL_OP_RAND ? generators : NULL;
}

static void teardown(void *context)
{
    OPENSSL_clear_free(context, sizeof(struct reel));
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                 void **context)
{
    static const OSSL_DISPATCH functions[] = {FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                              FUNCTION(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
                                              {0, NULL}};
    (void)handle, (void)in;
    *out = functions;
    *context = OPENSSL_zalloc(sizeof(struct reel));
    return *context != NULL;
}

/* ---- the library ---- */

/* Whole or not at all: what is left out now is unknown for good. */
static bool open_library(struct stls_tape *t)
{
    unsigned long failures = ssp__libcrypto_failures();
    t->library = OSSL_LIB_CTX_new();
    if (t->library == NULL || OSSL_PROVIDER_add_builtin(t->library, "stls-tape", start) != 1)
        return false;
    t->algorithms = OSSL_PROVIDER_load(t->library, "default");
    t->provider = OSSL_PROVIDER_load(t->library, "stls-tape");
    if (t->algorithms == NULL || t->provider == NULL ||
        RAND_set_DRBG_type(t->library, "STLS-TAPE", NULL, NULL, NULL) != 1)
        return false;
    t->reel = OSSL_PROVIDER_get0_provider_ctx(t->provider);
    ssp__libcrypto_load(t->library);
    return t->reel != NULL && ssp__libcrypto_failures() == failures;
}

struct stls_tape *stls_tape_new(void)
{
    struct stls_tape *t = calloc(1, sizeof *t);
    if (t == NULL || open_library(t))
        return t;
    stls_tape_free(t);
    ERR_clear_error();
    return NULL;
}

void stls_tape_free(struct stls_tape *t)
{
    if (t == NULL)
        return;
    if (t->provider != NULL)
        (void)OSSL_PROVIDER_unload(t->provider);
    if (t->algorithms != NULL)
        (void)OSSL_PROVIDER_unload(t->algorithms);
    OSSL_LIB_CTX_free(t->library);
    free(t);
}

OSSL_LIB_CTX *stls_tape_library(const struct stls_tape *t)
{
    return t->library;
}

/* ---- the reel ---- */

void stls_tape_record(struct stls_tape *t)
{
    t->reel->mode = RECORD;
    t->reel->len = 0;
}

void stls_tape_replay(struct stls_tape *t)
{
    t->reel->mode = REPLAY;
    t->reel->at = 0;
}

void stls_tape_stop(struct stls_tape *t)
{
    explicit_bzero(t->reel, sizeof *t->reel);
}

bool stls_tape_replace(struct stls_tape *t, const uint8_t *drawn, const uint8_t *bytes, size_t n)
{
    struct reel *r = t->reel;
    uint8_t *at = memmem(r->bytes, r->len, drawn, n);
    if (at != NULL)
        memcpy(at, bytes, n);
    return at != NULL;
}
