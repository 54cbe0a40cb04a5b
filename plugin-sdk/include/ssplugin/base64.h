/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base64.h - base64 and base64url (RFC 4648), for codecs whose protocols have bytes in their text.
 *
 * A part of libssplugin-crypto, as digest.h.
 */
#ifndef SSPLUGIN_BASE64_H
#define SSPLUGIN_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include <ssplugin/version.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    SSP_BASE64 = 0,    /**< with "+" and "/", padded by "=" */
    SSP_BASE64_URL = 1 /**< with "-" and "_", not padded */
} ssp_alphabet;

/** Characters for n bytes, without the NUL; without padding there are fewer. */
#define SSP_BASE64_TEXT(n) (((n) + 2) / 3 * 4)

/** Writes n bytes as text, which has room for SSP_BASE64_TEXT(n) + 1.  Returns the length. */
SSP_API size_t ssp_base64_write(ssp_alphabet alphabet, const void *bytes, size_t n, char *text);

/** Reads n characters in either alphabet, with its padding or without any.  Returns the number of
 *  bytes, or -1 for what is no base64 and for more than cap bytes. */
SSP_API ptrdiff_t ssp_base64_read(const char *text, size_t n, uint8_t *bytes, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
