/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe.h - the options of a program as text: for users, for machines, for a README.
 */
#ifndef SSP_OPTIONS_DESCRIBE_H
#define SSP_OPTIONS_DESCRIBE_H

#include "options/settings.h"

#include <stdio.h>

/* All of them write the options to out: first those of the codecs, then those of every plugin.  A
 * row that another table hides is shown as "NAME.option". */

/* "NAME VERSION: what it is for", and an empty line. */
void ssp__describe_title(FILE *out, const struct ssp__settings *s);

/* One line per option. */
void ssp__describe_help(FILE *out, const struct ssp__settings *s);

/* A list of options as users type them, with those that are required: "obfs=http;key=TEXT". */
void ssp__describe_example(FILE *out, const struct ssp__settings *s, ssp_role role);

/* One JSON object, described in docs/plugin-guide.md. */
void ssp__describe_json(FILE *out, const struct ssp__settings *s);

/* A table in Markdown. */
void ssp__describe_markdown(FILE *out, const struct ssp__settings *s);

/* The roles that all codecs have, SSP_CLIENT and SSP_SERVER as bits 1 << role. */
unsigned ssp__settings_roles(const struct ssp__settings *s);

#endif
