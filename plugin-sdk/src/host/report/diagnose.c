/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/diagnose.h"

#include "host/image.h"
#include "host/report/mistaken.h"
#include "procfs/bind_hint.h"

#include <ssplugin/options.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

enum { V2RAY_BAD_CONFIG = 23, SHELL_CANNOT = 126, SHELL_UNKNOWN = 127 };

/* The facts, and properties derived from them. */
struct inquiry {
    const struct ssp__diagnose_facts *facts;
    const char *name; /* of the program, without directories */
    const char *path;

    const char *option_error; /* NULL: the options parse */
    size_t option_at;         /* byte of the error, counted from 1 */
    bool server, obfs;        /* the options have server; a value for obfs */

    char *text;
    size_t cap;
};

/* Writes a sentence and returns true when its cause explains the failure. */
typedef bool trap_fn(struct inquiry *q);

static bool say(struct inquiry *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool say(struct inquiry *q, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(q->text, q->cap, format, args);
    va_end(args);
    return true;
}

/* ---- facts ---- */

/* Release files carry their platform in the name: v2ray-plugin_linux_amd64. */
static bool is_a(const struct inquiry *q, const char *program)
{
    return strstr(q->name, program) != NULL;
}

static bool is_v2ray(const struct inquiry *q)
{
    return is_a(q, "v2ray-plugin") || is_a(q, "xray-plugin");
}

static bool exited_with(const struct inquiry *q, int status)
{
    return q->facts->kind == SSP_HINT_EXIT && q->facts->status == status;
}

static bool ended_by(const struct inquiry *q, int signo)
{
    return q->facts->kind == SSP_HINT_SIGNAL && q->facts->status == signo;
}

/* The last line that contains a phrase, in any case; NULL when none does. */
static const char *line_with(const struct inquiry *q, const char *phrase)
{
    const char *telling = q->facts->telling;
    if (telling != NULL && strcasestr(telling, phrase) != NULL)
        return telling;
    for (unsigned i = q->facts->line_count; i > 0; i--) {
        if (strcasestr(q->facts->lines[i - 1], phrase) != NULL)
            return q->facts->lines[i - 1];
    }
    return NULL;
}

static void note_item(struct inquiry *q, const ssp_item *item)
{
    if (strcmp(item->key, "server") == 0)
        q->server = true;
    if (strcmp(item->key, "obfs") == 0)
        q->obfs = item->value != NULL &&
                  (strcmp(item->value, "http") == 0 || strcmp(item->value, "tls") == 0);
}

static void read_options(struct inquiry *q, const char *options)
{
    size_t cap = strlen(options) + 2;
    char *buf = malloc(cap);
    const char *cursor = options;
    ssp_item item;
    int rc = buf == NULL ? 0 : ssp_options_next(&cursor, buf, cap, &item);
    while (rc == 1) {
        note_item(q, &item);
        rc = ssp_options_next(&cursor, buf, cap, &item);
    }
    if (rc == -1) {
        q->option_at = (size_t)(cursor - options) + 1;
        q->option_error = *cursor == '='    ? "a key is missing before \"=\""
                          : *cursor == '\\' ? "a lone \"\\\" at the end; write \"\\\\\" for one"
                                            : "too long";
    }
    free(buf);
}

static bool names_something_else(struct inquiry *q)
{
    return ssp__mistaken_end(q->facts, q->name, q->text, q->cap) ||
           ssp__mistaken_program(q->name, q->text, q->cap);
}

/* ---- traps of exec ---- */

static bool name_is_unknown(struct inquiry *q)
{
    return q->facts->status == ENOENT && (ssp__mistaken_program(q->name, q->text, q->cap) ||
                                          ssp__mistaken_name(q->path, q->text, q->cap));
}

static bool is_nearly_there(struct inquiry *q)
{
    const char *meant = q->facts->meant;
    bool guessed = meant != NULL && *meant != '\0';
    return say(q, "there is no file %s: install the plugin, or give its full path%s%s%s", q->path,
               guessed ? " (did you mean " : "", guessed ? meant : "", guessed ? "?)" : "");
}

static bool file_is_missing(struct inquiry *q)
{
    struct ssp__image image;
    struct stat st;
    if (q->facts->status != ENOENT)
        return false;
    if (strchr(q->path, '/') == NULL || stat(q->path, &st) == -1)
        return is_nearly_there(q);
    ssp__image_read(&image, q->path);
    if (image.kind == SSP_IMAGE_SCRIPT && image.crlf)
        return say(q,
                   "the first line of %s ends with a carriage return: save it with Unix line ends",
                   q->path);
    if (image.kind == SSP_IMAGE_SCRIPT)
        return say(q, "%s needs the interpreter %s, which is not there", q->path,
                   image.interpreter);
    if (image.kind == SSP_IMAGE_ELF && image.interpreter[0] != '\0')
        return say(q, "%s needs the loader %s, which is not there: take a build for this system",
                   q->path, image.interpreter);
    return false;
}

static bool other_machine(struct inquiry *q, const struct ssp__image *image)
{
    struct ssp__image own;
    char theirs[SSP_IMAGE_TEXT], ours[SSP_IMAGE_TEXT];
    ssp__image_read(&own, "/proc/self/exe");
    ssp__image_machine(image, theirs, sizeof theirs);
    ssp__image_machine(&own, ours, sizeof ours);
    if (strcmp(theirs, ours) == 0)
        return say(q, "%s is damaged: install it again", q->path);
    return say(q, "%s is a program for %s, and this machine is %s", q->path, theirs, ours);
}

static bool file_is_no_program(struct inquiry *q)
{
    struct ssp__image image;
    if (q->facts->status != ENOEXEC)
        return false;
    ssp__image_read(&image, q->path);
    switch (image.kind) {
    case SSP_IMAGE_EMPTY:
        return say(q, "%s is empty: install it again", q->path);
    case SSP_IMAGE_ELF:
        return other_machine(q, &image);
    case SSP_IMAGE_FOREIGN:
        return say(q, "%s is %s, not a program for this system", q->path, image.foreign);
    case SSP_IMAGE_OTHER:
        return say(q,
                   "%s is not a program; if it is a script, its first line must be #!/bin/sh "
                   "or the like",
                   q->path);
    case SSP_IMAGE_SCRIPT:
    case SSP_IMAGE_UNREADABLE:
        break;
    }
    return false;
}

static bool file_is_closed(struct inquiry *q)
{
    struct stat st;
    struct statvfs fs;
    if (q->facts->status != EACCES)
        return false;
    if (stat(q->path, &st) == 0 && (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return say(q, "%s is not executable: chmod +x it", q->path);
    if (statvfs(q->path, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0)
        return say(q, "%s is on a file system mounted noexec: move it", q->path);
    return say(q,
               "the user that the plugin runs as may not execute %s: check its mode, its "
               "interpreter and the directories above it; --no-plugin-sandbox shows whether the "
               "sandbox refuses it",
               q->path);
}

/* Exec refuses a file with capabilities that the bounding set lacks. */
static bool file_carries_capabilities(struct inquiry *q)
{
    return q->facts->status == EPERM && getxattr(q->path, "security.capability", NULL, 0) > 0 &&
           say(q,
               "%s carries capabilities that the plugin is not given (getcap shows them): "
               "setcap -r it",
               q->path);
}

static bool file_is_of_no_use(struct inquiry *q)
{
    switch (q->facts->status) {
    case EISDIR:
        return say(q, "%s is a directory: name the program in it", q->path);
    case ETXTBSY:
        return say(q, "%s is being written: try again when it is complete", q->path);
    case ELIBBAD:
        return say(q, "the loader of %s is for another machine: take a build for this system",
                   q->path);
    case ETIMEDOUT:
        return say(q, "the system did not execute %s in time: look at its disk", q->path);
    default:
        return false;
    }
}

/* ---- traps of a plugin that ran ---- */

static bool options_do_not_parse(struct inquiry *q)
{
    return q->option_error != NULL &&
           say(q, "plugin_opts, byte %zu: %s", q->option_at, q->option_error);
}

/* These plugins cannot know their role, which the environment does not contain.  As a client on a
 * server they listen on the port that the server itself has. */
static bool role_is_wrong(struct inquiry *q)
{
    if (!is_v2ray(q))
        return false;
    if (q->facts->role == SSP_SERVER && !q->server)
        return say(q, "add server to plugin_opts: without it, %s runs as a client", q->name);
    if (q->facts->role == SSP_CLIENT && q->server)
        return say(q, "remove server from plugin_opts: with it, %s runs as a server", q->name);
    return false;
}

static bool address_is_in_use(struct inquiry *q)
{
    if (q->facts->foreign != NULL)
        return say(q, SSP_PORT_IS_TAKEN, q->facts->port, q->facts->foreign);
    return line_with(q, "address already in use") != NULL &&
           say(q, "an address that it listens on is taken: ss -ltnp shows by whom (its port is %u)",
               q->facts->port);
}

static bool may_not_bind(struct inquiry *q)
{
    const char *line = line_with(q, "permission denied");
    bool binding = line != NULL && (strcasestr(line, "bind") || strcasestr(line, "listen"));
    if (q->facts->port >= SSP_PRIVILEGED_PORTS || (!binding && !exited_with(q, SSP_EXIT_NOPERM)))
        return false;
    return say(q, SSP_PORT_IS_PRIVILEGED " (setcap on the plugin has no effect)", q->facts->port);
}

static bool port_is_closed(struct inquiry *q)
{
    static const char *const words[] = {"bind", "listen", "connect", "dial"};
    const char *line = line_with(q, "permission denied");
    bool of_port = false;
    for (size_t i = 0; line != NULL && i < sizeof words / sizeof *words; i++)
        of_port = of_port || strcasestr(line, words[i]) != NULL;
    return of_port && say(q, "the sandbox opens the TCP ports of the plugin's addresses and of its "
                             "options: name another in plugin_ports, or any");
}

static bool account_is_missing(struct inquiry *q)
{
    return (line_with(q, "unknown userid") != NULL || line_with(q, "unknown user id") != NULL) &&
           say(q, "the plugin runs as a user without an account, since its host is root: name an "
                  "account in plugin_user");
}

static bool may_not_open(struct inquiry *q)
{
    if (line_with(q, "permission denied") == NULL && line_with(q, "read-only file") == NULL)
        return false;
    const char *certificate =
        is_v2ray(q) && q->server ? "name its certificate (cert=FILE;key=FILE), " : "";
    return say(
        q,
        "the plugin cannot open a file or a port: %scheck its mode for the user the plugin runs "
        "as, "
        "which plugin_user names; "
        "the sandbox opens what plugin_opts names for reading and what plugin_writable "
        "names for writing, the TCP ports of plugin_ports, and --no-plugin-sandbox everything",
        certificate);
}

static bool is_refused_a_call(struct inquiry *q)
{
    return line_with(q, "operation not permitted") != NULL &&
           say(q, "the system denies it an operation: it lacks a capability, or the sandbox denies "
                  "a system call, which --no-plugin-sandbox shows");
}

/* The messages of glibc and musl. */
static bool library_is_missing(struct inquiry *q)
{
    if (line_with(q, "loading shared librar") == NULL)
        return false;
    if (q->facts->library_path != NULL)
        return say(q, "LD_LIBRARY_PATH is not passed on to plugins: name the directory of the "
                      "library in /etc/ld.so.conf.d and run ldconfig, or in the plugin's rpath "
                      "(patchelf --set-rpath)");
    return say(q, "install the library that it names: see ldd %s", q->path);
}

/* The plugin prints this, as P-26 of the contract demands; others silently receive none. */
static bool carries_no_datagrams(struct inquiry *q)
{
    if (q->facts->mode == SSP_TCP_ONLY)
        return false;
    bool says = exited_with(q, SSP_EXIT_CONFIG) &&
                (line_with(q, "datagram") != NULL || line_with(q, "SS_PLUGIN_MODE") != NULL);
    bool lacks = q->facts->kind == SSP_HINT_NOT_LISTENING && q->facts->listens_tcp;
    return (says || lacks) &&
           say(q, "%s carries no UDP: set plugin_mode to tcp_only, so that UDP goes around it",
               q->name);
}

static bool obfs_is_missing(struct inquiry *q)
{
    return (is_a(q, "obfs-local") || is_a(q, "obfs-server")) && !q->obfs &&
           say(q, "plugin_opts of %s need obfs=http or obfs=tls", q->name);
}

static bool crashed(struct inquiry *q)
{
    if (ended_by(q, SIGSEGV) && is_a(q, "obfs-server"))
        return say(q, "the obfs-server of simple-obfs is known to crash on split or malformed TLS "
                      "hellos: Shadowplug's obfs-server takes the same options");
    if (ended_by(q, SIGSYS))
        return say(q, "the sandbox ended it: it is built for another architecture than the host; "
                      "take another build, or set plugin_sandbox to false");
    if (ended_by(q, SIGILL))
        return say(q,
                   "it uses instructions that this processor lacks: take a build for an older one");
    if (ended_by(q, SIGKILL))
        return say(q, "it was killed: dmesg shows whether the kernel was out of memory");
    return false;
}

static bool exit_status_speaks(struct inquiry *q)
{
    static const struct meaning {
        int status;
        const char *text;
    } meanings[] = {
        {SSP_EXIT_USAGE, "a wrong command line or environment: check plugin and plugin_opts"},
        {SSP_EXIT_NOPERM, "a lack of permission: check the user the plugin runs as"},
        {SSP_EXIT_CONFIG, "a configuration error: check plugin_opts"},
        {SHELL_CANNOT, "a script that may not execute its command"},
        {SHELL_UNKNOWN, "a script that does not find its command: give full paths in it"},
    };
    if (is_v2ray(q) && exited_with(q, V2RAY_BAD_CONFIG))
        return say(q, "status %d of %s is a configuration error: check plugin_opts",
                   V2RAY_BAD_CONFIG, q->name);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (exited_with(q, meanings[i].status))
            return say(q, "status %d means %s", meanings[i].status, meanings[i].text);
    }
    return false;
}

/* ---- the order of the causes ---- */

/* In this order: a cause that explains others comes before them. */
static trap_fn *const of_exec[] = {name_is_unknown,
                                   file_is_missing,
                                   file_is_no_program,
                                   file_is_closed,
                                   file_carries_capabilities,
                                   file_is_of_no_use,
                                   NULL};

static trap_fn *const of_running[] = {options_do_not_parse,
                                      names_something_else,
                                      role_is_wrong,
                                      address_is_in_use,
                                      may_not_bind,
                                      port_is_closed,
                                      account_is_missing,
                                      may_not_open,
                                      library_is_missing,
                                      carries_no_datagrams,
                                      crashed,
                                      obfs_is_missing,
                                      is_refused_a_call,
                                      exit_status_speaks,
                                      NULL};

const char *ssp__diagnose(const struct ssp__diagnose_facts *facts, char *text, size_t cap)
{
    const char *slash = strrchr(facts->plugin, '/');
    struct inquiry q = {.facts = facts,
                        .name = slash != NULL ? slash + 1 : facts->plugin,
                        .path = facts->path != NULL ? facts->path : facts->plugin,
                        .text = text,
                        .cap = cap};
    if (facts->options != NULL)
        read_options(&q, facts->options);
    trap_fn *const *trap = facts->kind == SSP_HINT_EXEC ? of_exec : of_running;
    for (; *trap != NULL; trap++) {
        if ((*trap)(&q))
            return text;
    }
    return NULL;
}
