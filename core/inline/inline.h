/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inline.h - a plugin inside of its host: its codec on the wire side of the cipher, without a
 * process and without a hop.
 *
 * The option string is that of the plugin, read by the table of its codec, and the bytes on the
 * wire are the same.  The sockets are the program's, so that options for those of a plugin have no
 * effect.
 */
#ifndef SS_INLINE_INLINE_H
#define SS_INLINE_INLINE_H

#include <ssplugin/codec.h>

enum { SS_INLINE_WHY_MAX = 512 };

struct ss_inline_order {
    const char *name;    /* of the plugin */
    const char *options; /* as in SS_PLUGIN_OPTIONS; NULL: none */
    ssp_role role;
    ssp_mode mode;                         /* the part that it is to carry */
    const char *remote_host, *remote_port; /* as a plugin would get them */
    const ssp_codec *cipher;
    const void *cipher_conf; /* borrowed for the life of what is made */
};

struct ss_inline;

/* Logs options that have no effect.  Returns NULL with a sentence in why. */
struct ss_inline *ss_inline_new(const struct ss_inline_order *order, char why[SS_INLINE_WHY_MAX]);
void ss_inline_free(struct ss_inline *inlined); /* accepts NULL */

/* The whole: plain bytes on one side, those of the plugin on the other. */
const ssp_codec *ss_inline_codec(const struct ss_inline *inlined);
const void *ss_inline_conf(const struct ss_inline *inlined);

/* Where a server sends connections that are not the plugin's: host:port, or NULL. */
const char *ss_inline_fallback(const struct ss_inline *inlined);

/* Options for the program's sockets. */
bool ss_inline_fast_open(const struct ss_inline *inlined);
bool ss_inline_mptcp(const struct ss_inline *inlined);

#endif
