/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printed.h - the end of an answer on standard output, as of --help.
 */
#ifndef SSP_BASE_PRINTED_H
#define SSP_BASE_PRINTED_H

#include <stdbool.h>
#include <stdio.h>

/* Whether all of it was written; errno says why not. */
static inline bool ssp__printed(void)
{
    return fflush(stdout) == 0 && ferror(stdout) == 0;
}

#endif
