/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, NUMBER, TEXT };

/* clang-format off */
#define ROW(name, kind, field) {name, kind, offsetof(struct faults, field)}
static const struct row {
    const char *name;
    enum kind kind;
    size_t offset;
} rows[] = {
    ROW("server", FLAG, server),
    ROW("say", TEXT, say),
    ROW("partial-line", FLAG, partial_line),
    ROW("control-chars", FLAG, control_chars),
    ROW("long-line", NUMBER, long_line),
    ROW("flood-stderr", NUMBER, flood),
    ROW("pour", NUMBER, pour),
    ROW("close-output", FLAG, close_output),
    ROW("exit", NUMBER, exit),
    ROW("exit-after", TEXT, exit_after),
    ROW("eaddrinuse", NUMBER, eaddrinuse),
    ROW("counter", TEXT, counter),
    ROW("fork-and-exit", FLAG, fork_and_exit),
    ROW("fork-grandchild", FLAG, fork_grandchild),
    ROW("never-listen", FLAG, never_listen),
    ROW("listen-after", NUMBER, listen_after),
    ROW("wrong-port", FLAG, wrong_port),
    ROW("bind-any", FLAG, bind_any),
    ROW("steal", TEXT, steal),
    ROW("use-listen-fds", FLAG, use_listen_fds),
    ROW("ignore-term", FLAG, ignore_term),
    ROW("heed-stdin", FLAG, heed_stdin),
    ROW("crash-after-bytes", NUMBER, after_bytes[0]),
    ROW("kill-after-bytes", NUMBER, after_bytes[1]),
    ROW("stop-self-after-bytes", NUMBER, after_bytes[2]),
    ROW("deaf-after-bytes", NUMBER, deaf_after_bytes),
    ROW("notify", TEXT, notify),
    ROW("notify-ready", FLAG, notify_ready),
    ROW("flood-notify", FLAG, flood_notify),
    ROW("no-udp", FLAG, no_udp),
    ROW("accept-none", FLAG, accept_none),
    ROW("report", TEXT, report),
    ROW("touch", TEXT, touch),
};
/* clang-format on */

static void set(struct faults *f, const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *field = (char *)f + rows[i].offset;
        if (strcmp(rows[i].name, key) != 0)
            continue;
        if (rows[i].kind == FLAG)
            memcpy(field, &(bool){true}, sizeof(bool));
        else if (rows[i].kind == NUMBER)
            memcpy(field, &(long){strtol(value, NULL, 10)}, sizeof(long));
        else
            memcpy(field, &value, sizeof value);
    }
}

/* Decodes up to an unescaped stop, in place, and moves *from behind it.  Returns the stop. */
static char take(char **from, const char *stops, char **text)
{
    char *in = *from, *out = *from;
    *text = out;
    while (*in != '\0' && strchr(stops, *in) == NULL) {
        in += *in == '\\' && in[1] != '\0';
        *out++ = *in++;
    }
    char stop = *in;
    *from = in + (stop != '\0');
    *out = '\0';
    return stop;
}

void read_options(struct faults *f, char *text)
{
    while (*text != '\0') {
        char *key, *value = text + strlen(text);
        if (take(&text, "=;", &key) == '=')
            (void)take(&text, ";", &value);
        set(f, key, value);
    }
}
