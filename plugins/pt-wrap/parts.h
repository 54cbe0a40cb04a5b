/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.h - the plugins inside this program, which run beside the transport program.
 *
 * Started as "pt-wrap PART"; it takes its options from SS_PLUGIN_OPTIONS, as all plugins do.
 */
#ifndef PT_WRAP_PARTS_H
#define PT_WRAP_PARTS_H

#include "pt-wrap/orport.h"
#include "pt-wrap/request.h"

#define PT_PART_SOCKS "socks"
#define PT_PART_ORPORT "ext-orport"

/* The codec of a part; NULL: there is no such part. */
const ssp_codec *pt_part(const char *name);

/* Options of a part, to be freed with pt_args_forget(); NULL: out of memory. */
char *pt_part_socks_options(const struct pt_request *request, bool socks4);
char *pt_part_orport_options(const struct pt_request *request, const uint8_t cookie[PT_COOKIE]);

#endif
