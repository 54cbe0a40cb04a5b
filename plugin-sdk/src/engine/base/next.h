/* SPDX-License-Identifier: Apache-2.0 */
/*
 * next.h - what follows a step of a program's start.
 */
#ifndef SSP_BASE_NEXT_H
#define SSP_BASE_NEXT_H

enum ssp__next {
    SSP_GO_ON,
    SSP_EXIT_WITH /* the status beside it; everything has been said */
};

#endif
