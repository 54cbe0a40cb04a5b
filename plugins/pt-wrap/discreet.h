/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discreet.h - the log without what a transport's server tells its clients: ARGS: may hold a key.
 */
#ifndef PT_WRAP_DISCREET_H
#define PT_WRAP_DISCREET_H

#include <stddef.h>

/* Copies text without such values: "SMETHOD obfs4 1.2.3.4:443 ARGS:(not logged)". */
void pt_discreet(char *out, size_t cap, const char *text);

/* From now on all lines of the log go through it. */
void pt_discreet_begin(void);

#endif
