/* SPDX-License-Identifier: Apache-2.0 */
#include "inline/inline.h"

#include "inline/table.h"
#include "options/settings.h"

#include <ssplugin/drive.h>
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROLES_MAX = 256 };

struct ss_inline {
    struct ssp__settings settings;
    ssp_stack *stack;
};

/* Options for the process of a plugin, and the key of the program that does the same. */
static const struct {
    const char *option, *key;
} of_processes[] = {
    {"t", "timeout"},
    {"i", "interface"},
    {"iface", "interface"},
    {"fwmark", "outbound_fwmark"},
    {"b", "local_ipv4_address"},
    {"a", "user"},
    {"6", "ipv6_first"},
    {"v", "verbose"},
    {"handshake", "handshake_timeout"},
    {"handshakes-per-ip", "handshakes_per_ip"},
    {"proxy-protocol-from", "proxy_protocol_from"},
    {"control", "metrics"},
    {"drain", NULL},
    {"udp", NULL},
};

/* An order while it is carried out. */
struct reading {
    const struct ss_inline_order *order;
    const struct ss_inline_row *row;
    struct ssp__settings *settings;
    bool unknown; /* an option is */
    char *why;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reading *r, const char *format,
                                                        ...)
{
    va_list args;
    int n = snprintf(r->why, SS_INLINE_WHY_MAX, "inline:%.60s: ", r->order->name);
    va_start(args, format);
    (void)vsnprintf(r->why + n, SS_INLINE_WHY_MAX - (size_t)n, format, args);
    va_end(args);
    return -1;
}

/* ---- its name ---- */

static bool serves(const ssp_codec *codec, ssp_role role)
{
    return (codec->flags & (role == SSP_CLIENT ? SSP_SERVER_ONLY : SSP_CLIENT_ONLY)) == 0;
}

/* Writes the names of the role, as users write them; returns the one that the name resembles, or
 * NULL. */
static const char *list_names(char text[ROLES_MAX], const struct ss_inline_order *order)
{
    const char *known[ROLES_MAX];
    const struct ss_inline_row *row;
    size_t n = 0, len = 0;
    text[0] = '\0';
    for (size_t i = 0; (row = ss_inline_at(i)) != NULL; i++) {
        if (!serves(row->codec, order->role))
            continue;
        known[n] = row->codec->name;
        len += (size_t)snprintf(text + len, ROLES_MAX - len, "%sinline:%s", n > 0 ? ", " : "",
                                known[n]);
        n++;
    }
    return ssp_options_guess(order->name, known, n);
}

static int find_row(struct reading *r)
{
    char names[ROLES_MAX];
    const char *guess = list_names(names, r->order);
    bool options = strpbrk(r->order->name, "; ") != NULL;
    r->row = ss_inline_find(r->order->name);
    if (r->row == NULL)
        return refuse(r, "this program has no such codec inside%s%s%s (expected %s%s)",
                      guess != NULL ? "; did you mean inline:" : "", guess != NULL ? guess : "",
                      guess != NULL ? "?" : "", names,
                      options ? ", with its options in plugin_opts" : "");
    if (!serves(r->row->codec, r->order->role))
        return refuse(r, "is for a %s (expected %s)",
                      r->order->role == SSP_CLIENT ? "server" : "client", names);
    if (r->order->mode != SSP_TCP_ONLY && r->row->codec->seal == NULL)
        return refuse(r, "carries no datagrams (expected plugin_mode tcp_only)");
    return 0;
}

/* ---- its options ---- */

static bool listed(const char *names, const char *name)
{
    size_t len = strlen(name);
    while (*names != '\0') {
        size_t n = strcspn(names, "|");
        if (n == len && memcmp(name, names, n) == 0)
            return true;
        names += n + (names[n] == '|' ? 1 : 0);
    }
    return false;
}

static void tell_unknown(void *arg, const char *key)
{
    struct reading *r = arg;
    const char *guess = ssp__settings_guess(r->settings, key);
    r->unknown = true;
    ssp_info("plugin inline:%s: option %.60s is unknown%s%s%s: ignored", r->order->name, key,
             guess != NULL ? " (did you mean " : "", guess != NULL ? guess : "",
             guess != NULL ? "?)" : "");
}

/* Tells of an option that every plugin has, and that has no effect here. */
static void judge_builtin(const struct reading *r, const char *name)
{
    const ssp_option *row = ssp__option_find(ssp__builtin_options(), name);
    for (size_t i = 0; row != NULL && i < sizeof of_processes / sizeof *of_processes; i++) {
        const char *key = of_processes[i].key;
        if (strcmp(of_processes[i].option, row->name) == 0)
            ssp_info("plugin inline:%s: option %s is for a plugin that is a process: ignored%s%s%s",
                     r->order->name, row->name, key != NULL ? " (expected the setting " : "",
                     key != NULL ? key : "", key != NULL ? ")" : "");
    }
}

/* The codec's own options, which come before those of every plugin. */
static int judge_own(const struct reading *r)
{
    const struct ssp__codec_settings *layer = &r->settings->layer[0];
    const ssp_option *rows = layer->codec.options;
    for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++) {
        if (layer->given[i] && listed(r->row->alone, rows[i].name))
            return refuse(r,
                          "option %s needs the plugin as a process (expected no such option, or "
                          "the plugin without \"inline:\")",
                          rows[i].name);
    }
    if (r->unknown && r->settings->builtin.strict)
        return refuse(r, "an option is unknown, which the option strict forbids");
    return 0;
}

static int judge_options(struct reading *r)
{
    const char *cursor = r->order->options;
    size_t cap = strlen(cursor) + 2;
    char *text = malloc(cap);
    ssp_item item;
    int rc = text != NULL ? 0 : refuse(r, "out of memory");
    while (rc == 0 && ssp_options_next(&cursor, text, cap, &item) == 1) {
        if (ssp__option_find(r->row->codec->options, item.key) == NULL)
            judge_builtin(r, item.key);
    }
    free(text);
    return rc == 0 ? judge_own(r) : -1;
}

static int read_options(struct reading *r)
{
    const struct ss_inline_order *order = r->order;
    char why[SS_INLINE_WHY_MAX / 2];
    const ssp_env env = {.role = order->role,
                         .mode = SSP_TCP_ONLY,
                         .local_host = "127.0.0.1",
                         .local_port = "0",
                         .remote_host = order->remote_host,
                         .remote_port = order->remote_port,
                         .options = order->options,
                         .notify_fd = -1};
    if (ssp__settings_init(r->settings, &r->row->codec, 1, why, sizeof why) == -1 ||
        (order->options != NULL &&
         ssp__settings_parse(r->settings, order->options, tell_unknown, r, why, sizeof why) == -1))
        return refuse(r, "%s", why);
    if (order->options != NULL && judge_options(r) == -1)
        return -1;
    return ssp__settings_finish(r->settings, &env, why, sizeof why) == 0 ? 0 : refuse(r, "%s", why);
}

/* ---- the whole ---- */

static int stack_up(struct ss_inline *in, const struct reading *r)
{
    const ssp_codec *const codec[] = {r->order->cipher, &in->settings.layer[0].codec};
    const void *const conf[] = {r->order->cipher_conf, in->settings.layer[0].conf};
    in->stack = ssp_stack_new(codec, conf, 2);
    return in->stack != NULL ? 0 : refuse(r, "out of memory");
}

struct ss_inline *ss_inline_new(const struct ss_inline_order *order, char why[SS_INLINE_WHY_MAX])
{
    struct ss_inline *in = calloc(1, sizeof *in);
    struct reading r = {.order = order, .settings = in != NULL ? &in->settings : NULL, .why = why};
    if (in == NULL)
        (void)refuse(&r, "out of memory");
    else if (find_row(&r) == 0 && read_options(&r) == 0 && stack_up(in, &r) == 0)
        return in;
    ss_inline_free(in);
    return NULL;
}

void ss_inline_free(struct ss_inline *in)
{
    if (in == NULL)
        return;
    ssp_stack_free(in->stack);
    ssp__settings_release(&in->settings);
    free(in);
}

const ssp_codec *ss_inline_codec(const struct ss_inline *in)
{
    return ssp_stack_codec(in->stack);
}

const void *ss_inline_conf(const struct ss_inline *in)
{
    return in->stack;
}

const char *ss_inline_fallback(const struct ss_inline *in)
{
    const ssp_codec *codec = ss_inline_codec(in);
    const char *own = codec->fallback != NULL ? codec->fallback(in->stack) : NULL;
    return own != NULL ? own : in->settings.builtin.fallback;
}

bool ss_inline_fast_open(const struct ss_inline *in)
{
    return in->settings.builtin.fast_open != 0;
}

bool ss_inline_mptcp(const struct ss_inline *in)
{
    return in->settings.builtin.mptcp != 0;
}
