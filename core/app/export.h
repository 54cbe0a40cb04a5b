/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.h - the servers of a configuration as ss:// URLs, and as QR codes of them.
 */
#ifndef SS_APP_EXPORT_H
#define SS_APP_EXPORT_H

#include "conf/conf.h"

/* Prints a URL for each server on stdout, with a QR code under it on a terminal, and writes the
 * picture that export_qr names.  Returns the exit status. */
int ss_export_urls(enum ss_program program, const struct ss_conf *conf);

#endif
