/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/host_name.h"

#include <stdio.h>
#include <string.h>

#ifdef SS_HAS_IDN2
#include <idn2.h>
#endif

enum { LABEL_MAX = 63, NAME_MAX_BYTES = 253 };

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* Writes the name of a zone of Unicode in punycode. */
static int to_punycode(char out[SSP_HOST_MAX], const char *name)
{
#ifdef SS_HAS_IDN2
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    bool fits = rc == IDN2_OK && strlen(ascii) < SSP_HOST_MAX;
    if (fits)
        (void)snprintf(out, SSP_HOST_MAX, "%s", ascii);
    if (rc == IDN2_OK)
        idn2_free(ascii);
    return fits ? 0 : -1;
#else
    (void)out;
    (void)name;
    return -1;
#endif
}

int ss_host_name(char out[SSP_HOST_MAX], const char *name)
{
    size_t len = strlen(name), fits = len < SSP_HOST_MAX ? len : SSP_HOST_MAX - 1;
    int rc = fits == len ? 0 : -1;
    memcpy(out, name, fits);
    out[fits] = '\0';
    if (!is_ascii(name))
        rc = to_punycode(out, name);
    for (char *c = out; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    size_t end = strlen(out);
    if (end > 1 && out[end - 1] == '.')
        out[end - 1] = '\0';
    return rc;
}

bool ss_host_name_valid(const char *name)
{
    size_t len = strlen(name), label = 0;
    for (const char *c = name; *c != '\0'; c++) {
        bool dot = *c == '.';
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';
        if ((!plain && !dot) || (dot && label == 0) || label > LABEL_MAX)
            return false;
        label = dot ? 0 : label + 1;
    }
    return label > 0 && label <= LABEL_MAX && len <= NAME_MAX_BYTES;
}
