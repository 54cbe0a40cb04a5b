/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/inherited.h"

#include <string.h>

const char *const ssp__inherited_names[] = {
    "PATH",         "HOME",     "USER",         "LANG",         "LC_ALL",
    "LC_CTYPE",     "TZ",       "TERM",         "TMPDIR",       "SSL_CERT_FILE",
    "SSL_CERT_DIR", "NO_COLOR", "ASAN_OPTIONS", "LSAN_OPTIONS", NULL,
};

bool ssp__inherited(const char *entry)
{
    size_t n = strcspn(entry, "=");
    for (const char *const *name = ssp__inherited_names; *name != NULL; name++) {
        if (strlen(*name) == n && strncmp(entry, *name, n) == 0)
            return true;
    }
    return false;
}
