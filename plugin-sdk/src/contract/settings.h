/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h - a codec's configuration: option tables on one side, structs of values on the other.
 *
 * Two tables are read the same way: the codec's own, and the built-in options that every plugin
 * has.  Where names clash the codec's row wins.  '-' and '_' are the same in names.  No I/O here.
 */
#ifndef SSP_CONTRACT_SETTINGS_H
#define SSP_CONTRACT_SETTINGS_H

#include <ssplugin/codec.h>

#include <stdbool.h>
#include <stddef.h>

/* What every plugin can be told. */
struct ssp_builtin {
    int fast_open, mptcp;  /* flags: fast-open, mptcp */
    int verbose;           /* flag: v */
    int prefer_ipv6;       /* flag: 6 */
    int timeout_s;         /* t: seconds without traffic */
    const char *interface; /* i: for outgoing connections */
    const char *user;      /* a: to become */
    const char *bind;      /* b: local address of outgoing connections */
    int server, client;    /* flags: the role */
    int android_vpn;       /* flag: __android_vpn */
};

/* Zero is valid and empty. */
struct ssp_settings {
    const ssp_codec *codec;
    void *conf; /* owned: ssp_codec::conf_size bytes */
    struct ssp_builtin builtin;
    bool *given;           /* owned: which rows of the codec have been applied */
    struct ssp_text *kept; /* owned: the texts that conf and builtin point to */
    bool complete;         /* setup has succeeded: release must undo it */
};

/* The built-in table; ends with SSP_OPTION_END.  A row without help is not for users. */
const ssp_option *ssp_builtin_options(void);

/* All functions below that can fail put a sentence into why, which names the option. */

/* Takes a codec and applies all defaults.  Returns 0 or -1; ssp_settings_release() is due either
 * way. */
int ssp_settings_init(struct ssp_settings *s, const ssp_codec *codec, char *why, size_t why_cap);

/* Sets one option; value is copied, NULL when the key stood alone.  The last one wins.  Returns 0,
 * 1 when no table knows the key, -1 on a wrong value. */
int ssp_settings_apply(struct ssp_settings *s, const char *key, const char *value, char *why,
                       size_t why_cap);

typedef void ssp_unknown_fn(void *arg, const char *key);

/* Applies an option string.  unknown, which may be NULL, hears of keys that no table knows.
 * Returns 0, or -1: the sentence then says at which byte of the string, counted from 1. */
int ssp_settings_parse(struct ssp_settings *s, const char *options, ssp_unknown_fn *unknown,
                       void *arg, char *why, size_t why_cap);

/* Once, behind all options: gives options of the other role their defaults back, looks for missing
 * ones, and lets the codec validate.  Returns 0 or -1. */
int ssp_settings_finish(struct ssp_settings *s, const ssp_env *env, char *why, size_t why_cap);

void ssp_settings_release(struct ssp_settings *s);

/* Writes one line per option, the codec's first.  Returns the length it has or would have without
 * the limit cap, as snprintf does. */
size_t ssp_settings_help(const struct ssp_settings *s, char *text, size_t cap);

#endif
