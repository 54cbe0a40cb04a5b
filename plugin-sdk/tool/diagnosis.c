/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis.h"

#include "explain.h"
#include "host/image.h"
#include "host/report/diagnose.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOW_PORTS = 1024, V2RAY_BAD_CONFIG = 23, SHOWN_MAX = 160, LISTED_MAX = 256 };

static void note(struct diagnosis *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct diagnosis *d, const char *format, ...)
{
    va_list args;
    if (d->note_count == DIAGNOSIS_NOTES)
        return;
    va_start(args, format);
    (void)vsnprintf(d->notes[d->note_count++], DIAGNOSIS_TEXT, format, args);
    va_end(args);
}

static const char *advise(struct diagnosis *d, const char *cause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static const char *advise(struct diagnosis *d, const char *cause, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(d->advice, sizeof d->advice, format, args);
    va_end(args);
    return cause;
}

/* ---- its output ---- */

static const char *line_with(const struct examination *x, const char *phrase)
{
    const char *line[SSP_OUTPUT_LAST];
    unsigned n = ssp__output_last(&x->output, line);
    for (unsigned i = n; i > 0; i--) {
        if (strcasestr(line[i - 1], phrase) != NULL)
            return line[i - 1];
    }
    return NULL;
}

/* The loaders of glibc and of musl. */
static const char *missing_library(const struct examination *x, struct diagnosis *d)
{
    static const char *const phrases[] = {"error while loading shared libraries: ",
                                          "Error loading shared library "};
    char name[SHOWN_MAX];
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const char *line = line_with(x, phrases[i]);
        if (line == NULL)
            continue;
        line = strcasestr(line, phrases[i]) + strlen(phrases[i]);
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(line, ":"), line);
        return advise(d, "missing-library",
                      getenv("LD_LIBRARY_PATH") != NULL
                          ? "the shared library %s is missing: LD_LIBRARY_PATH is not passed on to "
                            "plugins; name its directory in /etc/ld.so.conf.d and run ldconfig, or "
                            "in the plugin's rpath"
                          : "the shared library %s is missing: install the package that has it, or "
                            "take a static build",
                      name);
    }
    if (line_with(x, "GLIBC_") != NULL && line_with(x, "not found") != NULL)
        return advise(
            d, "missing-library",
            "it was built for a newer system: take a build for this one, or a static one");
    return NULL;
}

/* ---- where it listens ---- */

static void list_sockets(const struct examination *x, char *text, size_t cap)
{
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < x->socket_count && len < cap; i++) {
        char address[SSP_ADDRESS_TEXT_MAX];
        ssp__address_format(&x->sockets[i].address, address, sizeof address);
        int n = snprintf(text + len, cap - len, "%s%s%s", i > 0 ? ", " : "", address,
                         x->sockets[i].udp ? " (UDP)" : "");
        len += n > 0 ? (size_t)n : 0;
    }
}

static bool is_wildcard(const struct ssp__address *a)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    if (a->u.any.sa_family == AF_INET)
        return a->u.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return memcmp(&a->u.v6.sin6_addr, &any, sizeof any) == 0;
}

/* It listens on the right port of a wrong address.  Names are not looked up. */
static const char *wrong_address(const struct examination *x, struct diagnosis *d)
{
    const struct ssp__endpoint *front = place_front(x->place);
    struct ssp__address wanted;
    char list[LISTED_MAX], host[SSP_HOST_MAX];
    if (x->socket_count == 0 || !ssp__endpoint_address(front, &wanted))
        return NULL;
    for (unsigned i = 0; i < x->socket_count; i++) {
        const struct ssp__address *a = &x->sockets[i].address;
        if (ssp__address_same(a, &wanted))
            return NULL;
        if (ssp__address_port(a) == front->port && is_wildcard(a)) {
            if (!is_wildcard(&wanted))
                note(d, "it listens on all addresses, not only on %.60s: the network can reach it",
                     ssp__endpoint_host(front, host));
            return NULL;
        }
    }
    list_sockets(x, list, sizeof list);
    bool port = false;
    for (unsigned i = 0; i < x->socket_count; i++)
        port = port || ssp__address_port(&x->sockets[i].address) == front->port;
    return advise(
        d, port ? "wrong-address" : "wrong-port",
        "it listens on %s instead: it does not take %s from %s; look for an option of its "
        "own that sets the address",
        list, port ? "the address" : "the port",
        x->place->role == SSP_SERVER ? "SS_REMOTE_HOST and SS_REMOTE_PORT"
                                     : "SS_LOCAL_HOST and SS_LOCAL_PORT");
}

/* Asked for datagrams, it has opened its TCP port and no other. */
static const char *without_datagrams(const struct examination *x, struct diagnosis *d)
{
    bool tcp = false, udp = x->place->mode == SSP_TCP_ONLY;
    for (unsigned i = 0; i < x->socket_count; i++) {
        bool there = ssp__address_port(&x->sockets[i].address) == place_front(x->place)->port;
        tcp = tcp || (there && !x->sockets[i].udp);
        udp = udp || (there && x->sockets[i].udp);
    }
    if (udp || !tcp)
        return NULL;
    return advise(
        d, "no-udp",
        "it listens by TCP only: it carries no datagrams, or has an option of its own for "
        "them; use tcp_only");
}

/* Sockets beside the one that the host asked for. */
static void note_extra_sockets(const struct examination *x, struct diagnosis *d)
{
    uint16_t port = place_front(x->place)->port;
    for (unsigned i = 0; i < x->socket_count; i++) {
        char text[SSP_ADDRESS_TEXT_MAX];
        if (ssp__address_port(&x->sockets[i].address) == port)
            continue;
        ssp__address_format(&x->sockets[i].address, text, sizeof text);
        note(d, "it also has a %s socket on %s", x->sockets[i].udp ? "UDP" : "listening", text);
        return;
    }
}

/* ---- causes ---- */

static bool listens_tcp(const struct examination *x)
{
    for (unsigned i = 0; i < x->socket_count; i++) {
        if (!x->sockets[i].udp &&
            ssp__address_port(&x->sockets[i].address) == place_front(x->place)->port)
            return true;
    }
    return false;
}

static const char *hint_of(const struct examination *x, enum ssp__diagnose_kind kind, int status,
                           char *text, size_t cap)
{
    const char *line[SSP_OUTPUT_LAST];
    unsigned n = ssp__output_last(&x->output, line);
    struct ssp__diagnose_facts facts = {.kind = kind,
                                        .status = status,
                                        .plugin = x->plugin,
                                        .path = x->path[0] != '\0' ? x->path : x->plugin,
                                        .meant = x->meant,
                                        .options = x->place->options,
                                        .role = x->place->role,
                                        .port = place_front(x->place)->port,
                                        .foreign = x->taken_by[0] != '\0' ? x->taken_by : NULL,
                                        .lines = line,
                                        .line_count = n,
                                        .telling = ssp__output_telling(&x->output),
                                        .mode = x->place->mode,
                                        .listens_tcp = listens_tcp(x),
                                        .library_path = getenv("LD_LIBRARY_PATH")};
    return ssp__diagnose(&facts, text, cap);
}

static void take_hint(const struct examination *x, struct diagnosis *d,
                      enum ssp__diagnose_kind kind, int status)
{
    char text[DIAGNOSIS_TEXT];
    const char *hint = hint_of(x, kind, status, text, sizeof text);
    if (d->advice[0] == '\0' && hint != NULL)
        (void)snprintf(d->advice, sizeof d->advice, "%s", hint);
}

static const char *cause_of_exec(const struct examination *x)
{
    struct ssp__image image;
    ssp__image_read(&image, x->path);
    switch (x->error) {
    case ENOENT:
        return x->reached == REACHED_NOT_FOUND ? "not-found" : "missing-interpreter";
    case EACCES:
    case EPERM:
        return "not-executable";
    case ELIBBAD:
        return "wrong-architecture";
    case ENOEXEC:
        return image.kind == SSP_IMAGE_ELF ? "wrong-architecture" : "not-a-program";
    default:
        return "not-a-program";
    }
}

static bool options_are_malformed(const struct examination *x)
{
    struct explain_reading r;
    struct explain_item i;
    bool malformed = false;
    if (x->place->options == NULL || explain_begin(&r, x->place->options) == -1)
        return false;
    while (explain_next(&r, &i))
        continue;
    malformed = r.error != NULL;
    explain_end(&r);
    return malformed;
}

static bool means_bad_configuration(const struct examination *x)
{
    return x->reached == REACHED_EXITED &&
           (x->status == SSP_EXIT_USAGE || x->status == SSP_EXIT_CONFIG ||
            x->status == V2RAY_BAD_CONFIG);
}

static const char *cause_of_end(const struct examination *x)
{
    bool low = place_front(x->place)->port < LOW_PORTS;
    if (options_are_malformed(x))
        return "bad-options";
    if (x->taken_by[0] != '\0' || line_with(x, "address already in use") != NULL)
        return "port-in-use";
    if (line_with(x, "permission denied") != NULL || x->status == SSP_EXIT_NOPERM)
        return low ? "low-port" : "no-permission";
    if (means_bad_configuration(x))
        return "bad-configuration";
    return x->reached == REACHED_EXITED ? "exited" : "killed";
}

/* ---- what happened ---- */

static void not_started(const struct examination *x, struct diagnosis *d)
{
    d->cause = cause_of_exec(x);
    (void)snprintf(d->what, sizeof d->what, "%s does not start: %s", x->plugin, strerror(x->error));
    if (x->reached == REACHED_NOT_FOUND && strchr(x->plugin, '/') == NULL)
        (void)advise(
            d, d->cause,
            "there is no program %.100s in %.200s%s$PATH: install it, or give its full path",
            x->plugin, x->directory != NULL ? x->directory : "",
            x->directory != NULL ? " and " : "");
    take_hint(x, d, SSP_HINT_EXEC, x->error);
}

static void distrusted(const struct examination *x, struct diagnosis *d)
{
    d->cause = "not-trusted";
    (void)snprintf(d->what, sizeof d->what, "%s does not start: root does not run this file",
                   x->plugin);
    (void)snprintf(d->advice, sizeof d->advice, "%s", x->distrust);
}

static void ended(const struct examination *x, struct diagnosis *d)
{
    char how[64];
    if (x->reached == REACHED_EXITED)
        (void)snprintf(how, sizeof how, "exited with status %d", x->status);
    else
        (void)snprintf(how, sizeof how, "was killed by signal %d (%s)", x->status,
                       strsignal(x->status));
    (void)snprintf(d->what, sizeof d->what, "%s %s after %.3f s%s", x->plugin, how,
                   (double)x->ended_us / 1e6,
                   x->was_ready ? ", though it had begun to listen" : ", before it listened");
    d->cause = missing_library(x, d);
    if (d->cause == NULL)
        d->cause = cause_of_end(x);
    take_hint(x, d, x->reached == REACHED_EXITED ? SSP_HINT_EXIT : SSP_HINT_SIGNAL, x->status);
    if (d->advice[0] == '\0' && x->reached == REACHED_EXITED && x->status == 0)
        (void)advise(d, d->cause,
                     "a plugin has to stay in the foreground: turn off its daemon mode, and check "
                     "that it is a plugin");
}

static void silent(const struct examination *x, struct diagnosis *d)
{
    char expected[SSP_HOST_MAX + 8];
    ssp__endpoint_format(place_front(x->place), expected, sizeof expected);
    (void)snprintf(d->what, sizeof d->what, "%s runs, but does not listen on %s within %u s",
                   x->plugin, expected, x->wait_ms / 1000);
    d->cause = without_datagrams(x, d);
    if (d->cause != NULL)
        return;
    take_hint(x, d, SSP_HINT_NOT_LISTENING, 0);
    if (d->advice[0] != '\0') {
        d->cause = x->taken_by[0] != '\0'     ? "port-in-use"
                   : options_are_malformed(x) ? "bad-options"
                                              : "not-listening";
        return;
    }
    d->cause = wrong_address(x, d);
    if (d->cause == NULL)
        d->cause = advise(d, "not-listening",
                          "it may wait for a name to resolve or for its peer: try a longer --wait, "
                          "and an option that makes it verbose");
}

static bool complains(const char *line)
{
    static const char *const words[] = {"unknown", "ignored", "deprecated", "not supported",
                                        "unsupported"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasestr(line, words[i]) != NULL)
            return true;
    }
    return ssp__line_level(line) == SSP_LOG_ERROR;
}

/* A plugin that listens may still ignore its options. */
static void note_complaints(const struct examination *x, struct diagnosis *d)
{
    const char *line[SSP_OUTPUT_LAST];
    unsigned n = ssp__output_last(&x->output, line);
    for (unsigned i = 0; i < n; i++) {
        if (!complains(line[i]))
            continue;
        d->cause = "complains";
        note(d, "it logs an error: %s", line[i]);
    }
}

static void listens(const struct examination *x, struct diagnosis *d)
{
    char expected[SSP_HOST_MAX + 8];
    ssp__endpoint_format(place_front(x->place), expected, sizeof expected);
    d->cause = wrong_address(x, d);
    d->works = d->cause == NULL;
    (void)snprintf(d->what, sizeof d->what, "%s %s on %s%s after %.3f s, as a %s", x->plugin,
                   d->works ? "listens" : "does not listen", expected,
                   d->works && x->notified ? " and reports READY" : "", (double)x->ready_us / 1e6,
                   place_role(x->place->role));
    if (!d->works)
        return;
    d->cause = "works";
    note_extra_sockets(x, d);
    note_complaints(x, d);
    if (strcmp(d->cause, "complains") == 0) {
        size_t n = strlen(d->what);
        (void)snprintf(d->what + n, sizeof d->what - n, ", but logs errors");
    }
}

void diagnose(const struct examination *x, struct diagnosis *d)
{
    static void (*const judge[])(const struct examination *x, struct diagnosis *d) = {
        [REACHED_NOT_FOUND] = not_started, [REACHED_DISTRUSTED] = distrusted,
        [REACHED_REFUSED] = not_started,   [REACHED_EXITED] = ended,
        [REACHED_KILLED] = ended,          [REACHED_SILENT] = silent,
        [REACHED_LISTENS] = listens,
    };
    judge[x->reached](x, d);
    if (x->log_closed)
        note(d, "it has closed its stdout or stderr: what it prints is lost");
    if (d->works && options_are_malformed(x))
        note(d, "the options are malformed, and it runs all the same: ss-plugin opts explain shows "
                "where");
}
