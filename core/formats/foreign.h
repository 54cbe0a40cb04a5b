/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign.h - the Shadowsocks servers in the configuration of another program: "proxies" of Clash
 * and mihomo (YAML), "outbounds" of sing-box (JSON).
 */
#ifndef SS_FORMATS_FOREIGN_H
#define SS_FORMATS_FOREIGN_H

#include "formats/list.h"

/* Reads the len bytes of text into *list, which is empty.  Other kinds of proxies, and servers with
 * a plugin that has no counterpart, are left out and noted.  Returns 0, or -1 with the reason in
 * why: then *list is empty. */
int ss_foreign_read(struct ss_server_list *list, const char *text, size_t len,
                    const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX]);

#endif
