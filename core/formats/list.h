/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - a list of servers as providers hand it out: SIP008, or a line with an ss:// URL for
 * each.
 */
#ifndef SS_FORMATS_LIST_H
#define SS_FORMATS_LIST_H

#include "formats/server.h"

/* Longer documents are refused. */
enum { SS_LIST_MAX = 1024 * 1024, SS_LIST_WHY_MAX = 160 };

/* Is told of each server that is left out: its number, and why. */
struct ss_list_notes {
    void (*skipped)(void *arg, size_t number, const char *why);
    void *arg;
};

/* Reads the len bytes of text into *list, which is empty.  One bad server does not refuse the rest.
 * Returns 0, or -1 with the reason in why, which holds no secret: then *list is empty. */
int ss_list_read(struct ss_server_list *list, const char *text, size_t len,
                 const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX]);

#endif
