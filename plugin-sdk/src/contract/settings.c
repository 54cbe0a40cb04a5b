/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/settings.h"

#include "base/address.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPECTED_MAX = 256, HELP_COLUMN_MAX = 32, HELP_NAME_MAX = 128 };

/* A text that a configuration points to. */
struct ssp_text {
    struct ssp_text *next;
    char text[];
};

/* A row and the struct that its offset counts in. */
struct slot {
    const ssp_option *row;
    void *base;
    bool *given; /* NULL: nobody asks */
};

#define BUILTIN(field, name, type, dflt, help)                                                     \
    SSP_OPTION(struct ssp_builtin, field, name, type, dflt, help)

static const ssp_option builtin_options[] = {
    BUILTIN(fast_open, "fast-open", SSP_FLAG, NULL, "TCP Fast Open"),
    BUILTIN(mptcp, "mptcp", SSP_FLAG, NULL, "Multipath TCP"),
    BUILTIN(verbose, "v", SSP_FLAG, NULL, "log every connection"),
    BUILTIN(prefer_ipv6, "6", SSP_FLAG, NULL, "prefer IPv6 addresses"),
    BUILTIN(timeout_s, "t", SSP_INT, "600", "seconds without traffic that end a connection"),
    BUILTIN(interface, "i", SSP_TEXT, NULL, "network interface for outgoing connections"),
    BUILTIN(user, "a", SSP_TEXT, NULL, "user to become once the port is open"),
    BUILTIN(bind, "b", SSP_TEXT, NULL, "local address of outgoing connections"),
    BUILTIN(server, "server", SSP_FLAG, NULL, "run as the server side"),
    BUILTIN(client, "client", SSP_FLAG, NULL, "run as the client side"),
    BUILTIN(android_vpn, "__android_vpn", SSP_FLAG, NULL, NULL),
    SSP_OPTION_END,
};

const ssp_option *ssp_builtin_options(void)
{
    return builtin_options;
}

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

static const ssp_option *find(const ssp_option *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (same_name(table->name, name))
            return table;
    }
    return NULL;
}

static struct slot slot_of(struct ssp_settings *s, const char *name)
{
    const ssp_option *row = find(s->codec->options, name);
    if (row != NULL)
        return (struct slot){row, s->conf, s->given + (row - s->codec->options)};
    return (struct slot){find(builtin_options, name), &s->builtin, NULL};
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

/* A copy that lives as long as the settings, or NULL. */
static const char *keep(struct ssp_settings *s, const char *text)
{
    size_t size = strlen(text) + 1;
    struct ssp_text *copy = malloc(sizeof *copy + size);
    if (copy == NULL)
        return NULL;
    memcpy(copy->text, text, size);
    copy->next = s->kept;
    s->kept = copy;
    return copy->text;
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

static int set_text(struct ssp_settings *s, const struct slot *slot, const char *value, char *why,
                    size_t why_cap)
{
    struct ssp_endpoint checked;
    if (value == NULL ||
        (slot->row->type == SSP_ADDRESS && ssp_endpoint_parse(&checked, value, 0) == -1))
        return wrong_value(slot->row, value, why, why_cap);
    const char *copy = keep(s, value);
    if (copy == NULL)
        return refuse(why, why_cap, "option %s: out of memory", slot->row->name);
    store(slot, &copy, sizeof copy);
    return 0;
}

static int set(struct ssp_settings *s, const struct slot *slot, const char *value, char *why,
               size_t why_cap)
{
    const ssp_option *row = slot->row;
    if (row->type == SSP_TEXT || row->type == SSP_ADDRESS)
        return set_text(s, slot, value, why, why_cap);
    int n = read_int(row, value);
    if (n == -1)
        return wrong_value(row, value, why, why_cap);
    store(slot, &n, sizeof n);
    return 0;
}

static int set_default(struct ssp_settings *s, const struct slot *slot, char *why, size_t why_cap)
{
    static const char zero[sizeof(void *)];
    bool text = slot->row->type == SSP_TEXT || slot->row->type == SSP_ADDRESS;
    if (slot->row->dflt != NULL)
        return set(s, slot, slot->row->dflt, why, why_cap);
    store(slot, zero, text ? sizeof(char *) : sizeof(int));
    return 0;
}

static int set_defaults(struct ssp_settings *s, const ssp_option *table, void *base, char *why,
                        size_t why_cap)
{
    for (; table != NULL && table->name != NULL; table++) {
        struct slot slot = {.row = table, .base = base};
        if (set_default(s, &slot, why, why_cap) == -1)
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

int ssp_settings_init(struct ssp_settings *s, const ssp_codec *codec, char *why, size_t why_cap)
{
    *s = (struct ssp_settings){.codec = codec};
    s->conf = calloc(1, codec->conf_size + 1);
    s->given = calloc(count(codec->options) + 1, sizeof *s->given);
    if (s->conf == NULL || s->given == NULL)
        return refuse(why, why_cap, "out of memory");
    if (set_defaults(s, builtin_options, &s->builtin, why, why_cap) == -1)
        return -1;
    return set_defaults(s, codec->options, s->conf, why, why_cap);
}

int ssp_settings_apply(struct ssp_settings *s, const char *key, const char *value, char *why,
                       size_t why_cap)
{
    struct slot slot = slot_of(s, key);
    if (slot.row == NULL)
        return 1;
    if (slot.given != NULL)
        *slot.given = true;
    return set(s, &slot, value, why, why_cap);
}

static const char *grammar_error(const char *at)
{
    if (*at == '=')
        return "a key is missing before \"=\"";
    return at[0] == '\\' && at[1] == '\0' ? "nothing follows \"\\\"" : "the item is too long";
}

/* NOLINTNEXTLINE(readability-function-size): a callback needs its argument, a why its size */
int ssp_settings_parse(struct ssp_settings *s, const char *options, ssp_unknown_fn *unknown,
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
            rc = ssp_settings_apply(s, item.key, item.value, why, why_cap);
        if (rc == 1 && unknown != NULL)
            unknown(arg, item.key);
    }
    explicit_bzero(buf, len + 2);
    free(buf);
    return rc == -1 ? -1 : 0;
}

static bool concerns(const ssp_option *row, ssp_role role)
{
    unsigned roles = row->flags & (SSP_FOR_CLIENT | SSP_FOR_SERVER);
    return roles == 0 || (role == SSP_CLIENT && (roles & SSP_FOR_CLIENT) != 0) ||
           (role == SSP_SERVER && (roles & SSP_FOR_SERVER) != 0);
}

int ssp_settings_finish(struct ssp_settings *s, const ssp_env *env, char *why, size_t why_cap)
{
    const ssp_option *row = s->codec->options;
    for (size_t i = 0; row != NULL && row[i].name != NULL; i++) {
        struct slot slot = {.row = &row[i], .base = s->conf};
        if (!concerns(&row[i], env->role)) {
            if (set_default(s, &slot, why, why_cap) == -1)
                return -1;
        } else if ((row[i].flags & SSP_REQUIRED) != 0 && !s->given[i]) {
            return refuse(why, why_cap, "option %s: is required: %s", row[i].name,
                          row[i].help != NULL ? row[i].help : "see the documentation");
        }
    }
    (void)refuse(why, why_cap, "%s: the options were refused", s->codec->name);
    if (s->codec->setup != NULL && s->codec->setup(s->conf, env, why, why_cap) != 0)
        return -1;
    s->complete = true;
    return 0;
}

void ssp_settings_release(struct ssp_settings *s)
{
    if (s->complete && s->codec->release != NULL)
        s->codec->release(s->conf);
    while (s->kept != NULL) {
        struct ssp_text *next = s->kept->next;
        explicit_bzero(s->kept->text, strlen(s->kept->text));
        free(s->kept);
        s->kept = next;
    }
    free(s->given);
    free(s->conf);
    *s = (struct ssp_settings){.codec = NULL};
}

/* "name=VALUE" as users type it. */
static size_t left_column(const ssp_option *row, char text[HELP_NAME_MAX])
{
    static const char *const values[] = {
        [SSP_TEXT] = "TEXT", [SSP_FLAG] = "", [SSP_INT] = "NUMBER", [SSP_ADDRESS] = "HOST:PORT"};
    const char *value = row->type == SSP_CHOICE ? row->choices : values[row->type];
    (void)snprintf(text, HELP_NAME_MAX, "%s%s%s", row->name, row->type == SSP_FLAG ? "" : "=",
                   value);
    return strlen(text);
}

struct page {
    char *text;
    size_t cap, len, column;
};

__attribute__((format(printf, 2, 3))) static void print(struct page *page, const char *format, ...)
{
    size_t room = page->len < page->cap ? page->cap - page->len : 0;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(room > 0 ? page->text + page->len : NULL, room, format, args);
    va_end(args);
    page->len += n > 0 ? (size_t)n : 0;
}

static void print_row(struct page *page, const ssp_option *row)
{
    char left[HELP_NAME_MAX];
    (void)left_column(row, left);
    print(page, "  %-*s  %s", (int)page->column, left, row->help);
    if ((row->flags & SSP_REQUIRED) != 0)
        print(page, "; required");
    if (!concerns(row, SSP_SERVER))
        print(page, "; client only");
    if (!concerns(row, SSP_CLIENT))
        print(page, "; server only");
    if (row->dflt != NULL)
        print(page, " (default %s)", row->dflt);
    print(page, "\n");
}

static bool shown(const ssp_option *row, const ssp_option *winners)
{
    return row->help != NULL && find(winners, row->name) == NULL;
}

static void widen(struct page *page, const ssp_option *table, const ssp_option *winners)
{
    char left[HELP_NAME_MAX];
    for (; table != NULL && table->name != NULL; table++) {
        size_t width = shown(table, winners) ? left_column(table, left) : 0;
        if (width > page->column && width <= HELP_COLUMN_MAX)
            page->column = width;
    }
}

static void print_table(struct page *page, const ssp_option *table, const ssp_option *winners)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (shown(table, winners))
            print_row(page, table);
    }
}

size_t ssp_settings_help(const struct ssp_settings *s, char *text, size_t cap)
{
    struct page page = {.text = text, .cap = cap};
    const ssp_option *own = s->codec->options;
    widen(&page, own, NULL);
    widen(&page, builtin_options, own);
    print_table(&page, own, NULL);
    print_table(&page, builtin_options, own);
    return page.len;
}
