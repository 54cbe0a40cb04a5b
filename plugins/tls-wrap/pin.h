/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin.h - the hash of a public key which identifies a certificate without an authority: SHA-256 of
 * its SubjectPublicKeyInfo (RFC 7469), written "sha256//BASE64" as curl does.
 */
#ifndef TLS_WRAP_PIN_H
#define TLS_WRAP_PIN_H

#include <openssl/x509.h>
#include <stdbool.h>

/* Bytes of a pin with its NUL. */
enum { TLS_PIN_MAX = sizeof "sha256//" + 44 };

/* Returns 0, or -1 when memory is out. */
int tls_pin_of(X509 *certificate, char pin[TLS_PIN_MAX]);

/* True when text is a list of pins joined by ','. */
bool tls_pin_valid(const char *text);

/* True when the certificate's pin is in a valid list. */
bool tls_pin_matches(const char *list, X509 *certificate);

#endif
