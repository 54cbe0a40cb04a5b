/* SPDX-License-Identifier: Apache-2.0 */
/**
 * options.h - SS_PLUGIN_OPTIONS, and the one table that describes a plugin's options.
 *
 * Grammar: opts = item *( ";" item ), item = key [ "=" value ].  Empty items are skipped; the first
 * unescaped "=" separates, later ones belong to the value; "\x" stands for x, whatever x is.  A
 * lone trailing "\" and an empty key are errors.
 */
#ifndef SSPLUGIN_OPTIONS_H
#define SSPLUGIN_OPTIONS_H

#include <ssplugin/version.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The longest option string, key and value together, in bytes. */
#define SSP_OPTIONS_MAX ((size_t)65536)

/** One decoded item.  key and value point into the buffer given to ssp_options_next(). */
typedef struct ssp_item {
    const char *key;
    const char *value; /**< NULL: the key stood alone */
} ssp_item;

/**
 * Decodes the next item of *cursor into buf and moves *cursor behind it.
 *
 * buf must be at least as long as the rest of the string, plus 2.  Returns 1 with an item, 0 at the
 * end, -1 on a malformed item: *cursor then points at the offending byte.
 */
SSP_API int ssp_options_next(const char **cursor, char *buf, size_t cap, ssp_item *item);

/** Writes text with "\", ";" and "=" escaped and a final NUL.  Returns the length it has or would
 *  have without the limit cap, as snprintf does. */
SSP_API size_t ssp_options_escape(char *out, size_t cap, const char *text);

/** Returns that of n known names which a mistyped name resembles, or NULL; '-' and '_' are the
 * same. For settings that a plugin reads itself: ssp_main() guesses at options. */
SSP_API const char *ssp_options_guess(const char *name, const char *const *known, size_t n);

/** How a value is read, and the type of the field it is stored in. */
typedef enum {
    SSP_TEXT = 0, /**< const char * */
    SSP_FLAG,     /**< int: 1 when present, unless the value is 0, false, no or off */
    SSP_INT,      /**< int, decimal, at least 0 */
    SSP_CHOICE,   /**< int: index into ssp_option::choices */
    SSP_ADDRESS,  /**< const char *: host:port or [v6]:port, checked */
    SSP_FILE      /**< const char *: a path, see below */
} ssp_type;

/*
 * SSP_FILE: ssp_main() refuses to start when such a file cannot be read, before setup() and with
 * status 78.  It calls ssp_codec::reload as for SIGHUP when what a path leads to has become another
 * file or other content, and has stayed so for 200 ms: also through symbolic links and renamed
 * directories.  When reload() fails the reason is logged, all goes on as before, and the next
 * change is the next attempt.  Elsewhere, as in ssp_conf_new(), it is a text.
 */

/** Flags of ssp_option. */
enum {
    SSP_REQUIRED = 1, /**< must be given */
    SSP_FOR_CLIENT = 2,
    SSP_FOR_SERVER = 4, /**< neither bit: both roles; other roles ignore the option */
    SSP_SECRET = 8      /**< never logged */
};

/** One row of a codec's option table.  Its layout is final for this SSP_ABI. */
typedef struct ssp_option {
    const char *name; /**< '-' and '_' are the same in names */
    ssp_type type;
    size_t offset;       /**< of the field in the codec's configuration */
    const char *dflt;    /**< NULL: zero */
    const char *help;    /**< one line */
    unsigned flags;      /**< SSP_REQUIRED and so on */
    const char *choices; /**< SSP_CHOICE: names joined by '|' */
} ssp_option;

/** Ends a table. */
#define SSP_OPTION_END                                                                             \
    {                                                                                              \
        NULL, SSP_TEXT, 0, NULL, NULL, 0, NULL                                                     \
    }

#ifdef __cplusplus
}
#endif

#endif
