/* SPDX-License-Identifier: Apache-2.0 */
/* The assertion on ranges that cmocka 1 and cmocka 2 have is not the same one. */
#ifndef TESTS_WITHIN_H
#define TESTS_WITHIN_H

#include <stdint.h>

/* Include cmocka.h as well. */
#define assert_within(value, low, high)                                                            \
    do {                                                                                           \
        uintmax_t value_ = (uintmax_t)(value), low_ = (low), high_ = (high);                       \
        if (value_ < low_ || value_ > high_)                                                       \
            fail_msg("%s is %ju, not between %ju and %ju", #value, value_, low_, high_);           \
    } while (0)

#endif
