/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_signed.h - a certificate for people who have no authority: tls-wrap --self-signed.
 */
#ifndef TLS_WRAP_SELF_SIGNED_H
#define TLS_WRAP_SELF_SIGNED_H

/*
 * Makes a key (P-256) and a certificate for name (a host name or an address), valid for ten years,
 * writes cert.pem and key.pem (0600) into directory, which must have neither, and prints the
 * options of both ends.
 *
 * Returns an exit status; what went wrong has been printed.
 */
int tls_self_signed(const char *name, const char *directory);

#endif
