/* SPDX-License-Identifier: Apache-2.0 */
/* The byte queue and the pool below it.  Linked with --wrap=malloc, so that memory can run out. */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool memory_is_out;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return memory_is_out ? NULL : __real_malloc(size);
}

enum {
    BLOCK = 1 << SSP_POOL_MIN_SHIFT,
    LARGE = 1 << SSP_POOL_LARGE_SHIFT, /* of malloc */
    LARGEST = 1 << SSP_POOL_MAX_SHIFT
};

static int open_pool(void **state)
{
    static struct ssp__pool pool;
    ssp__pool_init(&pool, 64 * 1024);
    *state = &pool;
    return 0;
}

static int drain_pool(void **state)
{
    memory_is_out = false;
    ssp__pool_drain(*state);
    return 0;
}

static void append(struct ssp__bytes *b, struct ssp__pool *pool, const char *text)
{
    assert_int_equal(ssp__bytes_append(b, pool, text, strlen(text)), 0);
}

static void assert_bytes(const struct ssp__bytes *b, const char *text)
{
    assert_int_equal(ssp__bytes_len(b), strlen(text));
    assert_memory_equal(ssp__bytes_data(b), text, strlen(text));
}

static void bytes_come_out_in_order(void **pool)
{
    struct ssp__bytes b = {.base = NULL};
    append(&b, *pool, "hello ");
    append(&b, *pool, "world");
    assert_bytes(&b, "hello world");
    ssp__bytes_take(&b, *pool, 6);
    assert_bytes(&b, "world");
    ssp__bytes_clear(&b, *pool);
}

static void an_empty_queue_holds_no_block(void **pool)
{
    struct ssp__bytes b = {.base = NULL};
    assert_int_equal(ssp__bytes_append(&b, *pool, "", 0), 0);
    assert_null(b.base);
    append(&b, *pool, "x");
    ssp__bytes_take(&b, *pool, 1);
    assert_null(b.base);
    assert_int_equal(b.cap, 0);
    ssp__bytes_clear(&b, *pool);
}

static void a_queue_grows_by_powers_of_two(void **pool)
{
    static const uint8_t block[BLOCK];
    struct ssp__bytes b = {.base = NULL};
    append(&b, *pool, "x");
    assert_int_equal(b.cap, BLOCK);
    assert_int_equal(ssp__bytes_append(&b, *pool, block, sizeof block), 0);
    assert_int_equal(b.cap, 2 * BLOCK);
    assert_int_equal(ssp__bytes_len(&b), 1 + BLOCK);
    assert_int_equal(ssp__bytes_data(&b)[0], 'x');
    ssp__bytes_clear(&b, *pool);
}

static void room_in_front_is_used_before_a_larger_block(void **pool)
{
    static const uint8_t block[BLOCK];
    struct ssp__bytes b = {.base = NULL};
    assert_int_equal(ssp__bytes_append(&b, *pool, block, sizeof block - 1), 0);
    append(&b, *pool, "x");
    ssp__bytes_take(&b, *pool, sizeof block - 1);
    assert_int_equal(ssp__bytes_append(&b, *pool, block, sizeof block - 1), 0);
    assert_int_equal(b.cap, BLOCK);
    assert_int_equal(b.head, 0);
    assert_int_equal(ssp__bytes_data(&b)[0], 'x');
    ssp__bytes_clear(&b, *pool);
}

static void a_queue_ends_at_one_mebibyte_and_stays_as_it_was(void **pool)
{
    struct ssp__bytes b = {.base = NULL};
    uint8_t *block = calloc(1, LARGEST);
    assert_non_null(block);
    assert_int_equal(ssp__bytes_append(&b, *pool, block, LARGEST), 0);
    assert_int_equal(ssp__bytes_append(&b, *pool, "x", 1), -1);
    assert_int_equal(ssp__bytes_len(&b), LARGEST);
    ssp__bytes_take(&b, *pool, 1);
    append(&b, *pool, "x");
    ssp__bytes_clear(&b, *pool);
    assert_int_equal(ssp__bytes_append(&b, *pool, block, SIZE_MAX), -1);
    free(block);
}

static void without_memory_a_queue_stays_as_it_was(void **pool)
{
    static const uint8_t block[LARGE];
    struct ssp__bytes b = {.base = NULL};
    append(&b, *pool, "kept");
    memory_is_out = true;
    assert_int_equal(ssp__bytes_append(&b, *pool, block, sizeof block), -1);
    assert_bytes(&b, "kept");
    append(&b, *pool, " and more");
    assert_bytes(&b, "kept and more");
    memory_is_out = false;
    ssp__bytes_clear(&b, *pool);
}

static void a_block_that_was_given_back_is_taken_again(void **pool)
{
    size_t size = LARGE - 1;
    void *block = ssp__pool_take(*pool, &size);
    assert_int_equal(size, LARGE);
    ssp__pool_give(*pool, block, size);
    memory_is_out = true; /* so it must be the same */
    assert_ptr_equal(ssp__pool_take(*pool, &size), block);
    assert_null(ssp__pool_take(*pool, &size));
    size = 2 * LARGE;
    assert_null(ssp__pool_take(*pool, &size));
    free(block);
}

static void a_pool_keeps_no_more_than_it_was_told(void **pool)
{
    struct ssp__pool *p = *pool;
    void *block[4];
    size_t size = 32 * 1024;
    for (int i = 0; i < 4; i++)
        block[i] = ssp__pool_take(p, &size);
    for (int i = 0; i < 4; i++)
        ssp__pool_give(p, block[i], size);
    assert_int_equal(p->idle_bytes, 64 * 1024);
    ssp__pool_drain(p);
    assert_int_equal(p->idle_bytes, 0);
    memory_is_out = true;
    assert_null(ssp__pool_take(p, &size));
}

static void a_pool_returns_what_nothing_has_needed(void **pool)
{
    struct ssp__pool *p = *pool;
    size_t size = LARGE;
    void *block[4];
    for (int i = 0; i < 4; i++)
        block[i] = ssp__pool_take(p, &size);
    for (int i = 0; i < 4; i++)
        ssp__pool_give(p, block[i], size);
    ssp__pool_shrink(p); /* all were in use just now */
    assert_int_equal(p->idle_bytes, 4 * LARGE);
    block[0] = ssp__pool_take(p, &size);
    ssp__pool_give(p, block[0], size);
    ssp__pool_shrink(p);
    assert_int_equal(p->idle_bytes, LARGE);
    ssp__pool_shrink(p);
    assert_int_equal(p->idle_bytes, 0);
}

static void sizes_are_rounded_up_and_end_at_one_mebibyte(void **pool)
{
    static const struct {
        size_t request, real;
    } rows[] = {{0, BLOCK},
                {BLOCK, BLOCK},
                {BLOCK + 1, 2 * BLOCK},
                {LARGEST - 1, LARGEST},
                {LARGEST, LARGEST}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = rows[i].request;
        void *block = ssp__pool_take(*pool, &size);
        assert_non_null(block);
        assert_int_equal(size, rows[i].real);
        ssp__pool_give(*pool, block, size);
    }
    size_t size = LARGEST + 1;
    assert_null(ssp__pool_take(*pool, &size));
}

static void without_a_pool_the_system_is_asked(void **unused)
{
    struct ssp__bytes b = {.base = NULL};
    (void)unused;
    append(&b, NULL, "hello");
    assert_bytes(&b, "hello");
    ssp__bytes_take(&b, NULL, 5);
    ssp__pool_give(NULL, NULL, 0);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, drain_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(bytes_come_out_in_order),
        POOL_TEST(an_empty_queue_holds_no_block),
        POOL_TEST(a_queue_grows_by_powers_of_two),
        POOL_TEST(room_in_front_is_used_before_a_larger_block),
        POOL_TEST(a_queue_ends_at_one_mebibyte_and_stays_as_it_was),
        POOL_TEST(without_memory_a_queue_stays_as_it_was),
        POOL_TEST(a_block_that_was_given_back_is_taken_again),
        POOL_TEST(a_pool_keeps_no_more_than_it_was_told),
        POOL_TEST(a_pool_returns_what_nothing_has_needed),
        POOL_TEST(sizes_are_rounded_up_and_end_at_one_mebibyte),
        POOL_TEST(without_a_pool_the_system_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
