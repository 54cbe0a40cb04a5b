/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in slabs: zeroed, apart from each other, and back with the system when they are gone. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 3000 };

static const size_t sizes[] = {1, 63, 64, 65, 1000, 1216, SSP_SLAB_MAX, SSP_SLAB_MAX + 1, 20000};

static void objects_are_zero_and_apart(void **state)
{
    static uint8_t *object[MANY];
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct ssp__slabs slabs = {.open = {NULL}};
        for (int round = 0; round < 2; round++) {
            for (int n = 0; n < MANY; n++) {
                object[n] = ssp__slab_take(&slabs, sizes[i]);
                assert_non_null(object[n]);
                assert_int_equal((uintptr_t)object[n] % _Alignof(max_align_t), 0);
                for (size_t k = 0; k < sizes[i]; k += 7)
                    assert_int_equal(object[n][k], 0);
                memset(object[n], n + 1, sizes[i]);
            }
            for (int n = MANY - 1; n >= 0; n -= 2) {
                assert_int_equal(object[n][sizes[i] - 1], (uint8_t)(n + 1));
                ssp__slab_give(&slabs, object[n], sizes[i]);
            }
            for (int n = 0; n < MANY; n += 2) {
                assert_int_equal(object[n][0], (uint8_t)(n + 1));
                ssp__slab_give(&slabs, object[n], sizes[i]);
            }
        }
        ssp__slabs_trim(&slabs);
        for (size_t k = 0; k < SSP_SLAB_CLASSES; k++)
            assert_null(slabs.open[k]);
    }
}

static void a_slab_with_an_object_stays(void **state)
{
    struct ssp__slabs slabs = {.open = {NULL}};
    (void)state;
    uint8_t *kept = ssp__slab_take(&slabs, 100), *gone = ssp__slab_take(&slabs, 100);
    memset(kept, 7, 100);
    ssp__slab_give(&slabs, gone, 100);
    ssp__slab_give(&slabs, NULL, 100);
    ssp__slabs_trim(&slabs);
    assert_int_equal(kept[99], 7);
    ssp__slab_give(&slabs, kept, 100);
    ssp__slabs_trim(&slabs);
    assert_null(slabs.open[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_zero_and_apart),
        cmocka_unit_test(a_slab_with_an_object_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
