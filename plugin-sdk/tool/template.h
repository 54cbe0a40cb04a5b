/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - the files of tool/template, which are in the program.
 */
#ifndef SSP_TOOL_TEMPLATE_H
#define SSP_TOOL_TEMPLATE_H

#include <stddef.h>

struct template_file {
    const char *name; /* below tool/template; NULL: the end */
    const char *text; /* without a NUL */
    size_t size;
};

extern const struct template_file template_files[];

#endif
