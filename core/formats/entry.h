/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - one server as an object of JSON: an item of "servers", or of SIP008.
 */
#ifndef SS_FORMATS_ENTRY_H
#define SS_FORMATS_ENTRY_H

#include "formats/server.h"

#include <json-c/json.h>

enum { SS_ENTRY_WHY_MAX = 128 };

/* Is told of each key that is not used; known: it belongs to a server of another program. */
struct ss_entry_notes {
    void (*note)(void *arg, const char *key, bool known);
    void *arg;
};

/* Reads an object into *server, which is empty.  Returns 0, or -1 with the reason in why, which
 * holds no secret: then *server is empty.  Method and password may be missing.  Secrets of the
 * object are wiped. */
int ss_entry_read(struct ss_server *server, json_object *object, const struct ss_entry_notes *notes,
                  char why[SS_ENTRY_WHY_MAX]);

/* The same object again, without its secrets unless they are asked for. */
json_object *ss_entry_write(const struct ss_server *server, bool secrets);

#endif
