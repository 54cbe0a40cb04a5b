/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tape.h - a library of OpenSSL whose random numbers can be drawn a second time.
 *
 * The tag of a ClientHello covers its key share and is part of its session id, but OpenSSL draws
 * the id first, and has no call to set it.  So a ClientHello is made twice, of the same random
 * numbers: the second time with another id in their place.  They come from a provider of this file.
 */
#ifndef STLS_WRAP_TAPE_H
#define STLS_WRAP_TAPE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stls_tape;

struct stls_tape *stls_tape_new(void); /* NULL when memory is out */
void stls_tape_free(struct stls_tape *tape);

/* Borrowed from the tape. */
OSSL_LIB_CTX *stls_tape_library(const struct stls_tape *tape);

/* From here on random numbers are remembered, or are those that were; otherwise they are new. */
void stls_tape_record(struct stls_tape *tape);
void stls_tape_replay(struct stls_tape *tape);
void stls_tape_stop(struct stls_tape *tape); /* forgets them */

/* Puts n bytes in the place of others that were drawn.  Returns false when those were not. */
bool stls_tape_replace(struct stls_tape *tape, const uint8_t *drawn, const uint8_t *bytes,
                       size_t n);

#endif
