/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scarce.h - an allocator that fails: malloc() and realloc() of a program that is linked with
 * --wrap=malloc,--wrap=realloc, and of libcrypto once that asks the program for its memory.
 */
#ifndef TESTS_UNIT_SCARCE_H
#define TESTS_UNIT_SCARCE_H

#include <stdbool.h>

/* The n-th allocation from now on fails, and those behind it too if it is for good; 0: none. */
void scarce_from(unsigned long n, bool for_good);

/* How many there were since. */
unsigned long scarce_count(void);

#endif
