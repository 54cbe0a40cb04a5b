/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.h - ss:// URLs: SIP002 with its plugin, the keys of SIP022, and the older form that is base64
 * as a whole.
 */
#ifndef SS_FORMATS_URL_H
#define SS_FORMATS_URL_H

#include "formats/server.h"

#include <stdbool.h>

/* The port of a URL that has none. */
enum { SS_URL_PORT = 8388, SS_URL_MAX = 16384 };

/* True for a text that begins as such a URL, in any case, after blanks. */
bool ss_url_is(const char *text);

/* Reads a URL, with blanks around it, into *server, which is empty.  Returns NULL, or the reason to
 * refuse it (static, and without any part of the URL): then *server is empty. */
const char *ss_url_read(struct ss_server *server, const char *text);

/* The URL of a server, in the form of SIP002; to be freed.  NULL when memory is out. */
char *ss_url_write(const struct ss_server *server);

#endif
