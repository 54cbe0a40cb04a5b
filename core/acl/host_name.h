/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_name.h - a host name in the form in which names are compared: lower case, punycode, without
 * the dot at its end.
 */
#ifndef SS_ACL_HOST_NAME_H
#define SS_ACL_HOST_NAME_H

#include "base/address.h"

/* Returns 0, or -1 when it has no such form: out is the name as it is then, as far as it fits. */
int ss_host_name(char out[SSP_HOST_MAX], const char *name);

/* True for letters, digits, '-' and '_' in labels that are neither empty nor too long. */
bool ss_host_name_valid(const char *name);

#endif
