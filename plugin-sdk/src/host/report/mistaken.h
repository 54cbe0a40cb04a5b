/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mistaken.h - mistakes in the plugin setting: the other end's plugin, a program without SIP003, a
 * wrong name, or options behind the name.
 */
#ifndef SSP_HOST_REPORT_MISTAKEN_H
#define SSP_HOST_REPORT_MISTAKEN_H

#include "host/report/diagnose.h"

#include <stdbool.h>

/* Each writes a sentence and returns true when it finds its mistake.  name is the program's,
 * without directories. */

bool ssp__mistaken_end(const struct ssp__diagnose_facts *facts, const char *name, char *text,
                       size_t cap);
bool ssp__mistaken_program(const char *name, char *text, size_t cap);

/* Explains a name or path without a file. */
bool ssp__mistaken_name(const char *plugin, char *text, size_t cap);

/* The length of the program's name in a plugin setting that goes on with options; that of all when
 * it does not. */
size_t ssp__mistaken_options(const char *plugin);

#endif
