/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qr.h - a text as a QR code: for a terminal, as SVG, as PNG.
 */
#ifndef SS_FORMATS_QR_H
#define SS_FORMATS_QR_H

#include <stddef.h>

enum ss_qr_form { SS_QR_TERMINAL, SS_QR_SVG, SS_QR_PNG };

/* Draws text, black on white.  Returns NULL with *out, which is as secret as text and to be wiped
 * and freed, and its length, or the reason why there is none (static). */
const char *ss_qr_draw(const char *text, enum ss_qr_form form, char **out, size_t *len);

#endif
