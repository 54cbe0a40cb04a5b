/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams.h - the laws of a codec that carries datagrams. */
#ifndef SSP_TESTING_DATAGRAMS_H
#define SSP_TESTING_DATAGRAMS_H

#include <ssplugin/testing.h>

/* Returns 0, also for a codec without datagrams, or -1 with the broken law in why. */
int ssp__laws_datagrams(const ssp_law_subject *subject, char *why, size_t why_cap);

#endif
