/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h - the configuration of a program's codecs: option tables on one side, structs of
 * values on the other.
 *
 * All tables are read the same way: those of the codecs, in their order, then the built-in options
 * that every plugin has.  Where names clash the first table that knows the name wins; "NAME.option"
 * means the table of the codec NAME.  '-' and '_' are the same in names.  No I/O here.
 */
#ifndef SSP_OPTIONS_SETTINGS_H
#define SSP_OPTIONS_SETTINGS_H

#include <ssplugin/codec.h>

#include <stdbool.h>
#include <stddef.h>

/* The built-in options, which every plugin has. */
struct ssp__builtin {
    int fast_open, mptcp;  /* flags: fast-open, mptcp */
    int verbose;           /* flag: v */
    int prefer_ipv6;       /* flag: 6 */
    int timeout_s;         /* t: seconds without traffic; 0: no limit */
    const char *interface; /* i, iface: for outgoing connections */
    const char *user;      /* a: to become */
    const char *bind;      /* b: local address of outgoing connections */
    int fwmark;            /* of outgoing packets; 0: none */
    const char
        *fallback;   /* server: host:port for foreign connections, unless the codec names one */
    int handshake_s; /* handshake: seconds until the peer has authenticated; 0: the default */
    int handshakes_per_address; /* handshakes-per-ip; 0: the default */
    int introduces;             /* flag: proxy-protocol */
    const char *balancers;      /* proxy-protocol-from: a list; NULL: no header comes in */
    int drain_s;                /* drain: time for live connections after SIGTERM, in seconds */
    const char *control;        /* path of a unix socket, see plugin/control.h; NULL: none */
    int udp;                    /* flag: carry datagrams even if the host does not ask */
    int strict;                 /* flag: an unknown option is an error */
    int server, client;         /* flags: the role */
    int android_vpn;            /* flag: __android_vpn */
};

/* One codec with the values of its options. */
struct ssp__codec_settings {
    ssp_codec codec;        /* as this library knows codecs, see ssp__codec_adopt() */
    void *conf;             /* owned: ssp_codec::conf_size bytes */
    bool *given;            /* owned: which rows have been applied */
    struct ssp__text *kept; /* owned: the texts that conf points to */
    bool complete;          /* setup has succeeded: release must undo it */
};

/* Zero is valid and empty. */
struct ssp__settings {
    struct ssp__codec_settings *layer; /* owned: the first is nearest to the plain side */
    size_t layers;
    struct ssp__builtin builtin;
    struct ssp__text *kept; /* owned: the texts that builtin points to */
};

/* The built-in table; ends with SSP_OPTION_END.  A row without help is not for users. */
const ssp_option *ssp__builtin_options(void);

/* The row of that name, or NULL; table may be NULL. */
const ssp_option *ssp__option_find(const ssp_option *table, const char *name);

/* True when the row counts for the role. */
bool ssp__option_concerns(const ssp_option *row, ssp_role role);

/* All functions below that can fail put a sentence into why, which names the option. */

/* Takes n codecs and applies all defaults.  Returns 0 or -1; ssp__settings_release() is due either
 * way. */
int ssp__settings_init(struct ssp__settings *s, const ssp_codec *const *codec, size_t n, char *why,
                       size_t why_cap);

/* Sets one option; value is copied, NULL when the key stood alone.  The last one wins.  Returns 0,
 * 1 when no table knows the key, -1 on a wrong value. */
int ssp__settings_apply(struct ssp__settings *s, const char *key, const char *value, char *why,
                        size_t why_cap);

/* The name of an option that resembles key, or NULL. */
const char *ssp__settings_guess(const struct ssp__settings *s, const char *key);

typedef void ssp__unknown_fn(void *arg, const char *key);

/* Applies an option string.  unknown, which may be NULL, is called for each key that no table
 * knows. Returns 0, or -1: the sentence then says at which byte of the string, counted from 1. */
int ssp__settings_parse(struct ssp__settings *s, const char *options, ssp__unknown_fn *unknown,
                        void *arg, char *why, size_t why_cap);

/* Once, behind all options: gives options of the other role their defaults back, looks for missing
 * ones, and lets the codecs validate.  Returns 0 or -1. */
int ssp__settings_finish(struct ssp__settings *s, const ssp_env *env, char *why, size_t why_cap);

void ssp__settings_release(struct ssp__settings *s);

#endif
