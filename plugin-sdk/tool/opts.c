/* SPDX-License-Identifier: Apache-2.0 */
/* opts.c - ss-plugin opts: SS_PLUGIN_OPTIONS written, read and explained. */
#include "base/json.h"
#include "command.h"
#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 200, AROUND = 50, STDIN_MAX = 2 * 65536, CHARACTER_MAX = 4 };

static const struct tool_option json_option[] = {
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static const struct tool_usage encode_usage = {
    "opts encode",
    "[--json] KEY=VALUE | KEY ...",
    "Prints the options as one SS_PLUGIN_OPTIONS string, escaped as plugins read it.\n"
    "The first \"=\" of a word ends its key; all others belong to the value.",
    json_option,
    "  ss-plugin opts encode obfs=http obfs-host=example.org fast-open\n"
    "  ss-plugin opts encode 'path=/a;b=c'\n",
};

static const struct tool_usage decode_usage = {
    "opts decode",
    "[--json] [STRING]",
    "Prints one option a line, unescaped. Without STRING it is read from stdin.\n"
    "A malformed string is status 1, with the byte.",
    json_option,
    "  ss-plugin opts decode 'obfs=http;obfs-host=a\\;b'\n"
    "  ss-plugin opts decode --json \"$SS_PLUGIN_OPTIONS\"\n",
};

static const struct tool_usage explain_usage = {
    "opts explain",
    "[--json] [STRING]",
    "Shows each option with its bytes and escapes, errors, and common mistakes that\n"
    "it may contain. Without STRING it is read from stdin.",
    json_option,
    "  ss-plugin opts explain 'obfs-local;obfs\\=http'\n"
    "  ss-plugin opts explain 'server&mode=quic'\n",
};

static enum ssp__next take_json(void *arg, const char *name, const char *value)
{
    (void)name;
    (void)value;
    *(bool *)arg = true;
    return SSP_GO_ON;
}

/* ---- encode ---- */

static size_t escape_into(char *out, size_t at, const char *text, size_t n)
{
    char *part = strndup(text, n);
    if (part == NULL)
        tool_out_of_memory();
    at += ssp_options_escape(out + at, SSP_OPTIONS_MAX * 2 + 2 - at, part);
    free(part);
    return at;
}

/* Appends one KEY=VALUE.  Returns the new length, which is too much when above SSP_OPTIONS_MAX. */
static size_t append(char *out, size_t at, const char *word)
{
    size_t key = strcspn(word, "=");
    if (at > 0)
        out[at++] = ';';
    at = escape_into(out, at, word, key);
    if (word[key] == '\0')
        return at;
    out[at++] = '=';
    return escape_into(out, at, word + key + 1, strlen(word + key + 1));
}

static void print_encoded(const char *text, bool json)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    if (!json) {
        puts(text);
        return;
    }
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "options", text);
    ssp__json_number(&out, "bytes", (int64_t)strlen(text));
    ssp__json_close(&out, '}');
}

static int encode(int argc, char **argv)
{
    char *text;
    size_t len = 0;
    bool json = false;
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(&encode_usage, &line, take_json, &json) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc == 1)
        return tool_wrong(&encode_usage, "which options? none are given");
    text = calloc(1, SSP_OPTIONS_MAX * 2 + 4);
    if (text == NULL)
        tool_out_of_memory();
    int status = TOOL_OK;
    for (int i = 1; i < line.argc && status == TOOL_OK; i++) {
        if (line.argv[i][0] == '=' || line.argv[i][0] == '\0')
            status = tool_wrong(&encode_usage, "\"%.60s\": a key is missing", line.argv[i]);
        else if (len + strlen(line.argv[i]) <= SSP_OPTIONS_MAX)
            len = append(text, len, line.argv[i]);
        else
            len = SSP_OPTIONS_MAX + 1;
        if (len > SSP_OPTIONS_MAX)
            status = tool_wrong(&encode_usage, "longer than %zu bytes", SSP_OPTIONS_MAX);
    }
    if (status == TOOL_OK)
        print_encoded(text, json);
    free(text);
    return status;
}

/* ---- decode ---- */

/* Reads stdin, without its last line end; owned by the caller.  NULL: the reason is printed. */
static char *from_stdin(const char *command)
{
    char *text = calloc(1, STDIN_MAX + 2);
    if (text == NULL)
        tool_out_of_memory();
    size_t n = fread(text, 1, STDIN_MAX + 1, stdin);
    const char *why = ferror(stdin) != 0  ? strerror(errno)
                      : n > STDIN_MAX     ? "it is too long"
                      : strlen(text) != n ? "it has a NUL in it"
                                          : NULL;
    if (why != NULL) {
        (void)tool_fail(command, "read the string: %s", why);
        free(text);
        return NULL;
    }
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = '\0';
    return text;
}

/* The character at text, with all its bytes. */
static const char *first_of(const char *text, char out[CHARACTER_MAX + 1])
{
    size_t n = 1;
    while (n < CHARACTER_MAX && ((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    memcpy(out, text, n);
    out[n] = '\0';
    return out;
}

static void json_error(struct ssp__json *out, const struct explain_reading *r)
{
    if (r->error == NULL) {
        ssp__json_text(out, "error", NULL);
        return;
    }
    ssp__json_object(out, "error");
    ssp__json_number(out, "byte", (int64_t)r->error_at);
    ssp__json_text(out, "why", r->error);
    ssp__json_close(out, '}');
}

static void json_escapes(struct ssp__json *out, const char *text, const struct explain_item *i)
{
    char character[CHARACTER_MAX + 1];
    ssp__json_array(out, "escapes");
    for (size_t at = i->from; at <= i->to; at++) {
        if (text[at - 1] != '\\')
            continue;
        ssp__json_object(out, NULL);
        ssp__json_number(out, "byte", (int64_t)at);
        ssp__json_text(out, "stands_for", first_of(text + at, character));
        ssp__json_close(out, '}');
        at++;
    }
    ssp__json_close(out, ']');
}

static void json_items(struct ssp__json *out, struct explain_reading *r)
{
    struct explain_item i;
    ssp__json_array(out, "items");
    while (explain_next(r, &i)) {
        ssp__json_object(out, NULL);
        ssp__json_text(out, "key", i.item.key);
        ssp__json_text(out, "value", i.item.value);
        ssp__json_number(out, "from", (int64_t)i.from);
        ssp__json_number(out, "to", (int64_t)i.to);
        json_escapes(out, r->text, &i);
        ssp__json_close(out, '}');
    }
    ssp__json_close(out, ']');
    json_error(out, r);
}

static void decode_json(struct explain_reading *r)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    ssp__json_object(&out, NULL);
    json_items(&out, r);
    ssp__json_close(&out, '}');
}

static void decode_lines(struct explain_reading *r)
{
    struct explain_item i;
    while (explain_next(r, &i))
        printf("%s%s%s\n", i.item.key, i.item.value != NULL ? "=" : "",
               i.item.value != NULL ? i.item.value : "");
    if (r->error != NULL)
        (void)tool_fail("opts decode", "byte %zu: %s", r->error_at, r->error);
}

/* ---- explain ---- */

/* The string around one byte, with a caret below it. */
static void print_caret(const char *text, size_t byte)
{
    size_t at = byte - 1, from = at > AROUND ? at - AROUND : 0;
    char shown[2 * AROUND + 1];
    (void)tool_printable(shown, sizeof shown, text + from);
    printf("  %s%s\n", from > 0 ? "..." : "", shown);
    printf("  %*s^ ", (int)(at - from + (from > 0 ? 3 : 0)), "");
}

static void print_escapes(const char *text, const struct explain_item *i)
{
    char character[CHARACTER_MAX + 1], shown[CHARACTER_MAX + 1];
    for (size_t at = i->from; at <= i->to; at++) {
        if (text[at - 1] != '\\')
            continue;
        bool usual = strchr("\\;=", text[at]) != NULL;
        (void)tool_printable(shown, sizeof shown, first_of(text + at, character));
        printf("%16s\"\\%s\" at byte %zu stands for %s%s\n", "", shown, at, shown,
               usual ? "" : ", which needs no escape");
        at++;
    }
}

static void print_item(const char *text, const struct explain_item *i)
{
    char key[SHOWN_MAX], value[SHOWN_MAX], bytes[48];
    (void)snprintf(bytes, sizeof bytes, "%zu-%zu", i->from, i->to);
    (void)tool_printable(key, sizeof key, i->item.key);
    if (i->item.value == NULL) {
        printf("  %-13s %s, without a value\n", bytes, key);
    } else {
        (void)tool_printable(value, sizeof value, i->item.value);
        printf("  %-13s %s = \"%s\"%s\n", bytes, key, value,
               strlen(i->item.value) >= SHOWN_MAX ? "..." : "");
    }
    print_escapes(text, i);
}

static void explain_lines(struct explain_reading *r, const struct explain_hint *hints, size_t n)
{
    struct explain_item i;
    char shown[SHOWN_MAX];
    size_t len = strlen(r->text);
    printf("%s%s\n\n", tool_printable(shown, sizeof shown, r->text), len >= SHOWN_MAX ? "..." : "");
    printf("  %-13s %s\n", "bytes", len > 0 ? "option" : "none: the plugin's defaults");
    while (explain_next(r, &i))
        print_item(r->text, &i);
    if (r->error != NULL) {
        printf("\nmalformed:\n");
        print_caret(r->text, r->error_at);
        printf("byte %zu: %s\n", r->error_at, r->error);
    }
    for (size_t h = 0; h < n; h++) {
        printf("\nhint (%s):\n", hints[h].trap);
        print_caret(r->text, hints[h].byte);
        printf("byte %zu: %s\n", hints[h].byte, hints[h].text);
    }
}

static void explain_json(struct explain_reading *r, const struct explain_hint *hints, size_t n)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "options", r->text);
    ssp__json_number(&out, "bytes", (int64_t)strlen(r->text));
    json_items(&out, r);
    ssp__json_array(&out, "hints");
    for (size_t h = 0; h < n; h++) {
        ssp__json_object(&out, NULL);
        ssp__json_text(&out, "trap", hints[h].trap);
        ssp__json_number(&out, "byte", (int64_t)hints[h].byte);
        ssp__json_text(&out, "text", hints[h].text);
        ssp__json_close(&out, '}');
    }
    ssp__json_close(&out, ']');
    ssp__json_close(&out, '}');
}

static void decode_string(struct explain_reading *r, bool json)
{
    if (json)
        decode_json(r);
    else
        decode_lines(r);
}

static void explain_string(struct explain_reading *r, bool json)
{
    struct explain_hint hints[EXPLAIN_HINTS_MAX];
    size_t n = explain_hints(r->text, hints);
    if (json)
        explain_json(r, hints, n);
    else
        explain_lines(r, hints, n);
}

/* Decode and explain take the same words. */
static int read_string(const struct tool_usage *usage, int argc, char **argv,
                       void (*show)(struct explain_reading *r, bool json))
{
    struct explain_reading r;
    bool json = false;
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(usage, &line, take_json, &json) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc > 2)
        return tool_wrong(usage, "one string is expected: quote it, \";\" ends a shell command");
    char *read = line.argc > 1 ? NULL : from_stdin(usage->command);
    if (line.argc == 1 && read == NULL)
        return TOOL_NO;
    if (explain_begin(&r, line.argc > 1 ? argv[1] : read) == -1)
        tool_out_of_memory();
    show(&r, json);
    int status = r.error != NULL ? TOOL_NO : TOOL_OK;
    explain_end(&r);
    free(read);
    return status;
}

static int decode(int argc, char **argv)
{
    return read_string(&decode_usage, argc, argv, decode_string);
}

static int explain(int argc, char **argv)
{
    return read_string(&explain_usage, argc, argv, explain_string);
}

/* ---- the subcommand ---- */

static const struct tool_usage usage = {
    "opts",
    "encode | decode | explain ...",
    "SS_PLUGIN_OPTIONS, written, read and explained. Each has a --help and a --json of its own.",
    NULL,
    "  ss-plugin opts encode obfs=http obfs-host=example.org\n"
    "  ss-plugin opts decode 'obfs=http;obfs-host=example.org'\n"
    "  ss-plugin opts explain 'obfs-local;obfs\\=http'\n",
};

int opts_main(int argc, char **argv)
{
    static const char *const names[] = {"encode", "decode", "explain", NULL};
    static int (*const run[])(int argc, char **argv) = {encode, decode, explain};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        tool_help(&usage);
        return TOOL_OK;
    }
    if (argc == 1)
        return tool_wrong(&usage, "encode, decode or explain?");
    for (int k = 0; names[k] != NULL; k++) {
        if (strcmp(argv[1], names[k]) == 0)
            return run[k](argc - 1, argv + 1);
    }
    const char *near = tool_resembles(argv[1], names);
    if (near != NULL)
        return tool_wrong(&usage, "unknown action %.40s (did you mean %s?)", argv[1], near);
    return tool_wrong(&usage, "unknown action %.40s", argv[1]);
}
