/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - the checks of the option grammar; their table is with the rest of the contract.
 */
#ifndef SSP_TOOL_ROWS_H
#define SSP_TOOL_ROWS_H

#include "check/check.h"

check_fn option_escapes, option_backslash, option_equals, option_without_value, option_malformed,
    option_enum, option_unknown, option_empty, option_many;

/* The value of the client's echo option can be found in its first flight. */
bool option_shows(struct fixture *fixture);

#endif
