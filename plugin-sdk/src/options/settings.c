/* SPDX-License-Identifier: Apache-2.0 */
#include "options/settings.h"

#include "base/address.h"
#include "base/codec.h"
#include "base/guess.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPECTED_MAX = 256 };

/* A text that a configuration points to. */
struct ssp__text {
    struct ssp__text *next;
    char text[];
};

/* A row, the struct that its offset counts in, and the owner of its texts. */
struct slot {
    const ssp_option *row;
    void *base;
    struct ssp__text **kept;
    bool *given; /* NULL: not recorded */
};

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t why_cap,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, why_cap, format, args);
    va_end(args);
    return -1;
}

static bool same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    }
    return *a == *b;
}

const ssp_option *ssp__option_find(const ssp_option *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (same_name(table->name, name))
            return table;
    }
    return NULL;
}

static struct slot layer_slot(struct ssp__codec_settings *layer, const char *name)
{
    const ssp_option *row = ssp__option_find(layer->codec.options, name);
    bool *given = row != NULL ? layer->given + (row - layer->codec.options) : NULL;
    return (struct slot){row, layer->conf, &layer->kept, given};
}

/* "NAME.option"; NULL unless text begins with the name of the layer's codec and a dot. */
static const char *after_name(const struct ssp__codec_settings *layer, const char *text)
{
    size_t n = strlen(layer->codec.name);
    return strncmp(text, layer->codec.name, n) == 0 && text[n] == '.' ? text + n + 1 : NULL;
}

static struct slot slot_of(struct ssp__settings *s, const char *name)
{
    struct slot slot = {.row = NULL};
    for (size_t i = 0; i < s->layers && slot.row == NULL; i++)
        slot = layer_slot(&s->layer[i], name);
    if (slot.row == NULL)
        slot = (struct slot){ssp__option_find(ssp__builtin_options(), name), &s->builtin, &s->kept,
                             NULL};
    for (size_t i = 0; i < s->layers && slot.row == NULL; i++) {
        const char *own = after_name(&s->layer[i], name);
        if (own != NULL)
            slot = layer_slot(&s->layer[i], own);
    }
    return slot;
}

/* Index of value in "a|b|c", or -1. */
static int choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (int i = 0; *choices != '\0'; i++) {
        size_t n = strcspn(choices, "|");
        if (n == len && memcmp(choices, value, n) == 0)
            return i;
        choices += n + (choices[n] == '|' ? 1 : 0);
    }
    return -1;
}

/* Decimal, 0..INT_MAX, or -1. */
static int number(const char *text)
{
    int n = 0;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        int digit = *text - '0';
        if (digit < 0 || digit > 9 || n > (INT_MAX - digit) / 10)
            return -1;
        n = n * 10 + digit;
    }
    return n;
}

static int flag(const char *value)
{
    return value == NULL || choice("0|false|no|off", value) == -1;
}

static const char *expected(const ssp_option *row, char text[EXPECTED_MAX])
{
    switch (row->type) {
    case SSP_INT:
        return "a number from 0 to 2147483647";
    case SSP_CHOICE:
        (void)snprintf(text, EXPECTED_MAX, "one of %s", row->choices);
        return text;
    case SSP_ADDRESS:
        return "host:port or [v6]:port";
    case SSP_FILE:
        return "a path";
    case SSP_FLAG:
    case SSP_TEXT:
        break;
    }
    return "a text";
}

static int wrong_value(const ssp_option *row, const char *value, char *why, size_t why_cap)
{
    char text[EXPECTED_MAX];
    const char *wanted = expected(row, text);
    if (value == NULL)
        return refuse(why, why_cap, "option %s: stands alone, expected %s", row->name, wanted);
    if (row->flags & SSP_SECRET)
        return refuse(why, why_cap, "option %s: the value is not %s", row->name, wanted);
    return refuse(why, why_cap, "option %s: \"%.100s\" is not %s", row->name, value, wanted);
}

/* A copy that lives as long as its list, or NULL. */
static const char *keep(struct ssp__text **list, const char *text)
{
    size_t size = strlen(text) + 1;
    struct ssp__text *copy = malloc(sizeof *copy + size);
    if (copy == NULL)
        return NULL;
    memcpy(copy->text, text, size);
    copy->next = *list;
    *list = copy;
    return copy->text;
}

static void forget(struct ssp__text **list)
{
    while (*list != NULL) {
        struct ssp__text *next = (*list)->next;
        explicit_bzero((*list)->text, strlen((*list)->text));
        free(*list);
        *list = next;
    }
}

static void store(const struct slot *slot, const void *value, size_t size)
{
    memcpy((char *)slot->base + slot->row->offset, value, size);
}

/* Reads the types that are stored as an int.  Returns -1 for a wrong value. */
static int read_int(const ssp_option *row, const char *value)
{
    if (row->type == SSP_FLAG)
        return flag(value);
    if (value == NULL)
        return -1;
    return row->type == SSP_INT ? number(value) : choice(row->choices, value);
}

static int set_text(const struct slot *slot, const char *value, char *why, size_t why_cap)
{
    struct ssp__endpoint checked;
    if (value == NULL ||
        (slot->row->type == SSP_ADDRESS && ssp__endpoint_parse(&checked, value, 0) == -1))
        return wrong_value(slot->row, value, why, why_cap);
    const char *copy = keep(slot->kept, value);
    if (copy == NULL)
        return refuse(why, why_cap, "option %s: out of memory", slot->row->name);
    store(slot, &copy, sizeof copy);
    return 0;
}

static bool is_text(const ssp_option *row)
{
    return row->type == SSP_TEXT || row->type == SSP_ADDRESS || row->type == SSP_FILE;
}

static int set(const struct slot *slot, const char *value, char *why, size_t why_cap)
{
    const ssp_option *row = slot->row;
    if (is_text(row))
        return set_text(slot, value, why, why_cap);
    int n = read_int(row, value);
    if (n == -1)
        return wrong_value(row, value, why, why_cap);
    store(slot, &n, sizeof n);
    return 0;
}

static int set_default(const struct slot *slot, char *why, size_t why_cap)
{
    static const char zero[sizeof(void *)];
    if (slot->row->dflt != NULL)
        return set(slot, slot->row->dflt, why, why_cap);
    store(slot, zero, is_text(slot->row) ? sizeof(char *) : sizeof(int));
    return 0;
}

/* slot is where the table's values go; its row is looked up here. */
static int set_defaults(struct slot slot, const ssp_option *table, char *why, size_t why_cap)
{
    for (slot.row = table; slot.row != NULL && slot.row->name != NULL; slot.row++) {
        if (set_default(&slot, why, why_cap) == -1)
            return -1;
    }
    return 0;
}

static size_t count(const ssp_option *table)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    return n;
}

static int layer_init(struct ssp__codec_settings *layer, const ssp_codec *codec, char *why,
                      size_t why_cap)
{
    if (!ssp__codec_adopt(&layer->codec, codec))
        return refuse(why, why_cap, "ssp_codec: size is 0; set it to sizeof(ssp_codec)");
    layer->conf = calloc(1, layer->codec.conf_size + 1);
    layer->given = calloc(count(layer->codec.options) + 1, sizeof *layer->given);
    if (layer->conf == NULL || layer->given == NULL)
        return refuse(why, why_cap, "out of memory");
    struct slot slot = {.base = layer->conf, .kept = &layer->kept};
    return set_defaults(slot, layer->codec.options, why, why_cap);
}

int ssp__settings_init(struct ssp__settings *s, const ssp_codec *const *codec, size_t n, char *why,
                       size_t why_cap)
{
    *s = (struct ssp__settings){.layer = calloc(n + 1, sizeof(struct ssp__codec_settings)),
                                .layers = n};
    if (s->layer == NULL) {
        s->layers = 0;
        return refuse(why, why_cap, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        if (layer_init(&s->layer[i], codec[i], why, why_cap) == -1)
            return -1;
    }
    return set_defaults((struct slot){.base = &s->builtin, .kept = &s->kept},
                        ssp__builtin_options(), why, why_cap);
}

int ssp__settings_apply(struct ssp__settings *s, const char *key, const char *value, char *why,
                        size_t why_cap)
{
    struct slot slot = slot_of(s, key);
    if (slot.row == NULL)
        return 1;
    if (slot.given != NULL)
        *slot.given = true;
    return set(&slot, value, why, why_cap);
}

/* Options without help are not for users. */
static void offer(struct ssp__guess *guess, const ssp_option *table)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (table->help != NULL)
            (void)ssp__guess_offer(guess, table->name);
    }
}

const char *ssp__settings_guess(const struct ssp__settings *s, const char *key)
{
    struct ssp__guess guess;
    ssp__guess_begin(&guess, key);
    for (size_t i = 0; i < s->layers; i++)
        offer(&guess, s->layer[i].codec.options);
    offer(&guess, ssp__builtin_options());
    return guess.best;
}

static const char *grammar_error(const char *at)
{
    if (*at == '=')
        return "a key is missing before \"=\"";
    return at[0] == '\\' && at[1] == '\0' ? "no character behind \"\\\"" : "the item is too long";
}

/* NOLINTNEXTLINE(readability-function-size): a callback needs its argument, a why its size */
int ssp__settings_parse(struct ssp__settings *s, const char *options, ssp__unknown_fn *unknown,
                        void *arg, char *why, size_t why_cap)
{
    size_t len = strlen(options);
    if (len > SSP_OPTIONS_MAX)
        return refuse(why, why_cap, "options: longer than %zu bytes", SSP_OPTIONS_MAX);
    char *buf = malloc(len + 2);
    if (buf == NULL)
        return refuse(why, why_cap, "options: out of memory");

    const char *cursor = options;
    ssp_item item;
    int rc = 0, more;
    while (rc != -1 && (more = ssp_options_next(&cursor, buf, len + 2, &item)) != 0) {
        if (more == -1)
            rc = refuse(why, why_cap, "options, byte %zu: %s", (size_t)(cursor - options) + 1,
                        grammar_error(cursor));
        else
            rc = ssp__settings_apply(s, item.key, item.value, why, why_cap);
        if (rc == 1 && unknown != NULL)
            unknown(arg, item.key);
    }
    explicit_bzero(buf, len + 2);
    free(buf);
    return rc == -1 ? -1 : 0;
}

bool ssp__option_concerns(const ssp_option *row, ssp_role role)
{
    unsigned roles = row->flags & (SSP_FOR_CLIENT | SSP_FOR_SERVER);
    return roles == 0 || (role == SSP_CLIENT && (roles & SSP_FOR_CLIENT) != 0) ||
           (role == SSP_SERVER && (roles & SSP_FOR_SERVER) != 0);
}

static int finish_row(struct ssp__codec_settings *layer, const ssp_option *row, ssp_role role,
                      char *why, size_t why_cap)
{
    struct slot slot = {.row = row, .base = layer->conf, .kept = &layer->kept};
    if (!ssp__option_concerns(row, role))
        return set_default(&slot, why, why_cap);
    if ((row->flags & SSP_REQUIRED) == 0 || layer->given[row - layer->codec.options])
        return 0;
    return refuse(why, why_cap, "option %s: is required: %s", row->name,
                  row->help != NULL ? row->help : "see the documentation");
}

static int layer_finish(struct ssp__codec_settings *layer, const ssp_env *env, char *why,
                        size_t why_cap)
{
    const ssp_codec *codec = &layer->codec;
    for (const ssp_option *row = codec->options; row != NULL && row->name != NULL; row++) {
        if (finish_row(layer, row, env->role, why, why_cap) == -1)
            return -1;
    }
    (void)refuse(why, why_cap, "%s: the options were refused", codec->name);
    if (codec->setup != NULL && codec->setup(layer->conf, env, why, why_cap) != 0)
        return -1;
    layer->complete = true;
    return 0;
}

int ssp__settings_finish(struct ssp__settings *s, const ssp_env *env, char *why, size_t why_cap)
{
    for (size_t i = 0; i < s->layers; i++) {
        if (layer_finish(&s->layer[i], env, why, why_cap) == -1)
            return -1;
    }
    return 0;
}

static void layer_release(struct ssp__codec_settings *layer)
{
    if (layer->complete && layer->codec.release != NULL)
        layer->codec.release(layer->conf);
    forget(&layer->kept);
    free(layer->given);
    free(layer->conf);
}

void ssp__settings_release(struct ssp__settings *s)
{
    for (size_t i = 0; i < s->layers; i++)
        layer_release(&s->layer[i]);
    forget(&s->kept);
    free(s->layer);
    *s = (struct ssp__settings){.layers = 0};
}
