/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - the part of the log sink that is not public.
 */
#ifndef SSP_BASE_LOG_H
#define SSP_BASE_LOG_H

#include <ssplugin/log.h>

#include <stddef.h>

/* While on, an error that goes to syslog goes to stderr as well: its reader waits for the start. */
void ssp__log_echo(bool on);

/* True while ssp_log_redirect() has a sink. */
bool ssp__log_redirected(void);

/* The length of the character at text, or 0: a character that changes the order or the lines of
 * what a reader sees is none to print: marks, embeddings, overrides and isolates of bidirectional
 * text, and the separators of lines and paragraphs. */
unsigned ssp__log_reorders(const char *text);

/* Bytes of the printable character of UTF-8 at text; 0 for a control character or a stray byte. */
size_t ssp__log_printable(const char *text);

#endif
