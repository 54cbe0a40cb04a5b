/* SPDX-License-Identifier: Apache-2.0 */
/* certificates.h - keys and certificates in a directory of the test's own. */
#ifndef TLS_WRAP_CERTIFICATES_H
#define TLS_WRAP_CERTIFICATES_H

#include "tls-wrap/pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CERT_PATH_MAX = 64 };

/* A self-signed certificate for name; begins and ends are seconds from now. */
struct cert_request {
    const char *name;
    long begins, ends;
    unsigned repeats; /* the file has the certificate so many times more, as if they were a chain */
};

struct cert {
    char cert[CERT_PATH_MAX], key[CERT_PATH_MAX]; /* paths */
    char pin[TLS_PIN_MAX];
};

/* A new directory; asserts. */
void certs_open(char directory[CERT_PATH_MAX]);
void certs_close(const char *directory);

/* Writes directory/stem.cert and directory/stem.key, replacing both by renaming. */
void cert_make(struct cert *made, const char *directory, const char *stem,
               const struct cert_request *request);

void file_write(const char *path, const char *text);

#endif
