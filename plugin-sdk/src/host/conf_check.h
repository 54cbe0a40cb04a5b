/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_check.h - what a program may ask a host for.
 */
#ifndef SSP_HOST_CONF_CHECK_H
#define SSP_HOST_CONF_CHECK_H

#include <ssplugin/host.h>

/* Entries of argv, and of variables. */
enum { SSP_TERMS_LIST_MAX = 256 };

/* The host chooses the port that the plugin listens on. */
bool ssp__conf_check_choose_port(const ssp_host_conf *conf);

/* Where the plugin listens. */
const char *ssp__conf_check_listen_host(const ssp_host_conf *conf);

/* Copies what the program gave, which may be of an older or a newer header, and fills in the
 * defaults of what it does not know.  Returns 0, or -1 with a sentence in why. */
int ssp__conf_check_read(ssp_host_conf *conf, const ssp_host_conf *given, char *why, size_t cap);

#endif
