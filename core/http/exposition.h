/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.h - the text format of Prometheus, version 0.0.4. */
#ifndef SS_HTTP_EXPOSITION_H
#define SS_HTTP_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SS_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The value may be any bytes. */
struct ss_label {
    const char *name, *value;
};

/* Begins a family; its samples follow. */
void ss_exposition_family(FILE *out, const char *name, const char *type, const char *help);

/* A label without a value is left out. */
void ss_exposition_sample(FILE *out, const char *name, const struct ss_label *label, size_t labels,
                          uint64_t value);

/* The same with thousandths. */
void ss_exposition_thousandths(FILE *out, const char *name, const struct ss_label *label,
                               size_t labels, uint64_t thousandths);

#endif
