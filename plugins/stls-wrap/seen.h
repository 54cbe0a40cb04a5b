/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen.h - the session ids of clients that were here, so that one who replays a ClientHello is
 * taken for anybody else.
 *
 * The memory is fixed: each id has one place, and a later one may take it.
 */
#ifndef STLS_WRAP_SEEN_H
#define STLS_WRAP_SEEN_H

#include "stls-wrap/hello.h"

struct stls_seen;

struct stls_seen *stls_seen_new(void); /* NULL when memory is out */
void stls_seen_free(struct stls_seen *seen);

/* Returns true when the session id was here before, and remembers it. */
bool stls_seen_again(struct stls_seen *seen, const uint8_t id[STLS_SESSION_ID_LEN]);

#endif
