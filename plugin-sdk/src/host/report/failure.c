/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report/failure.h"

#include "host/environment.h"
#include "host/report/diagnose.h"
#include "procfs/diag.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { SHOWN = 400 }; /* bytes of its output: the hint has to fit behind it */

static void append(char *why, size_t cap, const char *what, const char *text)
{
    size_t len = strlen(why);
    (void)snprintf(why + len, cap - len, "; %s: %.*s", what, SHOWN, text);
}

/* A port behind a colon: a clock has fewer digits. */
static bool names_another_port(const char *line, uint16_t port)
{
    enum { DIGITS_MIN = 3, DIGITS_MAX = 5 };
    bool another = false;
    for (const char *c = strchr(line, ':'); c != NULL; c = strchr(c + 1, ':')) {
        size_t digits = strspn(c + 1, "0123456789");
        bool is_port = digits >= DIGITS_MIN && digits <= DIGITS_MAX;
        if (is_port && strtoul(c + 1, NULL, 10) == port)
            return false;
        another = another || is_port;
    }
    return another;
}

bool ssp__failure_port_taken(const ssp_host *h)
{
    const char *line[SSP_OUTPUT_LAST];
    unsigned n = ssp__output_last(&h->lines, line);
    bool taken = false;
    for (unsigned i = 0; i < n; i++) {
        bool says = strcasestr(line[i], "address already in use") != NULL ||
                    strcasestr(line[i], "address in use") != NULL;
        if (says && names_another_port(line[i], h->port))
            return false;
        taken = taken || says;
    }
    return taken;
}

/* As in struct ssp__diagnose_facts. */
struct failure {
    enum ssp__diagnose_kind kind;
    int status;
    const char *meant;
};

/* Adds the most telling line and the remedy. */
static void add_hint(const ssp_host *h, struct failure failure, char *why, size_t cap)
{
    const char *line[SSP_OUTPUT_LAST];
    char text[SSP_HINT_MAX], owner[128];
    unsigned n = ssp__output_last(&h->lines, line);
    bool taken = h->foreign || ssp__failure_port_taken(h);
    bool owned = taken && ssp__port_owner(SSP_TCP, h->port, owner, sizeof owner) == 1;
    struct ssp__listeners tcp = {.n = 0};
    (void)ssp__listeners_find(&tcp, SSP_TCP, h->port);
    struct ssp__diagnose_facts facts = {.kind = failure.kind,
                                        .status = failure.status,
                                        .plugin = h->name,
                                        .path = h->path,
                                        .meant = failure.meant,
                                        .options = h->options,
                                        .role = h->conf.role,
                                        .port = h->port,
                                        .foreign = owned ? owner : NULL,
                                        .lines = line,
                                        .line_count = n,
                                        .telling = ssp__output_telling(&h->lines),
                                        .mode = h->conf.mode,
                                        .listens_tcp = tcp.n > 0,
                                        .library_path = getenv("LD_LIBRARY_PATH")};
    if (n > 0)
        append(why, cap, "it said", ssp__output_telling(&h->lines));
    const char *hint = ssp__diagnose(&facts, text, sizeof text);
    if (hint != NULL)
        append(why, cap, "hint", hint);
}

void ssp__failure_exec(const ssp_host *h, int error, const char *meant, char *why, size_t cap)
{
    (void)snprintf(why, cap, "start plugin %s: %s", h->name, strerror(error));
    add_hint(h, (struct failure){SSP_HINT_EXEC, error, meant}, why, cap);
}

void ssp__failure_exit(const ssp_host *h, const struct ssp__guardian_report *r, char *why,
                       size_t cap)
{
    uint64_t ran_ms = ssp__host_elapsed_ms(h);
    char how[96];
    if (r->code == CLD_EXITED)
        (void)snprintf(how, sizeof how, "exited with status %d", r->status);
    else
        (void)snprintf(how, sizeof how, "was ended by signal %d (%s)", r->status,
                       strsignal(r->status));
    (void)snprintf(why, cap, "plugin %s[%d] %s after %llu.%03llu s", h->name, (int)h->pid, how,
                   (unsigned long long)ran_ms / 1000, (unsigned long long)ran_ms % 1000);
    struct failure failure = {.kind = r->code == CLD_EXITED ? SSP_HINT_EXIT : SSP_HINT_SIGNAL,
                              .status = r->status};
    add_hint(h, failure, why, cap);
}

static void late_to_say(const ssp_host *h, char *why, size_t cap)
{
    const char *said = ssp__output_telling(&h->lines);
    (void)snprintf(why, cap, "plugin %s[%d] is not ready within %u.%u s", h->name, (int)h->pid,
                   h->conf.ready_ms / 1000, h->conf.ready_ms % 1000 / 100);
    if (said != NULL)
        append(why, cap, "it said", said);
}

void ssp__failure_late(const ssp_host *h, char *why, size_t cap)
{
    static const char *const does_not[] = {
        [SSP_TCP_ONLY] = "listen",
        [SSP_UDP_ONLY] = "receive UDP",
        [SSP_TCP_AND_UDP] = "listen for TCP and UDP",
    };
    if (h->conf.ready == SSP_READY_SAID) {
        late_to_say(h, why, cap);
        return;
    }
    (void)snprintf(why, cap, "plugin %s[%d] does not %s on port %u within %u.%u s%s%s", h->name,
                   (int)h->pid, does_not[h->conf.mode], h->port, h->conf.ready_ms / 1000,
                   h->conf.ready_ms % 1000 / 100, h->said_ready ? ", though it reported READY" : "",
                   h->foreign ? ": another process does" : "");
    if (h->conf.mode != SSP_TCP_ONLY)
        append(why, cap, "it was asked for SS_PLUGIN_MODE", ssp__host_mode(h->conf.mode));
    add_hint(h, (struct failure){.kind = SSP_HINT_NOT_LISTENING}, why, cap);
}
