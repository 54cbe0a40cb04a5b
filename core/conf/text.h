/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - the texts that a conf owns.
 */
#ifndef SS_CONF_TEXT_H
#define SS_CONF_TEXT_H

#include <stdbool.h>

/* *text becomes a copy of value; without a value it stays.  Returns 0, or -1 when memory is out. */
int ss_text_replace(char **text, const char *value);

/* Frees *text, which becomes NULL; a secret is wiped. */
void ss_text_drop(char **text, bool secret);

#endif
