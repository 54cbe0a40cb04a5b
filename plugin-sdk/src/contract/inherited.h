/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inherited.h - the variables of its host's environment that a plugin inherits.
 */
#ifndef SSP_CONTRACT_INHERITED_H
#define SSP_CONTRACT_INHERITED_H

#include <stdbool.h>

/* The names, ended by NULL.  SS_* is never among them: an outer host's options must not leak
 * through. */
extern const char *const ssp__inherited_names[];

/* True for "NAME=value" when the name is one of them. */
bool ssp__inherited(const char *entry);

#endif
