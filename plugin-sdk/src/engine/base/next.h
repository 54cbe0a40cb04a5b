/* SPDX-License-Identifier: Apache-2.0 */
/*
 * next.h - the result of a step of a program's start.
 */
#ifndef SSP_BASE_NEXT_H
#define SSP_BASE_NEXT_H

enum ssp__next {
    SSP_GO_ON,
    SSP_EXIT_WITH /* the status beside it; the reason has been printed */
};

#endif
