/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c - ss-plugin doctor: why a plugin does not start, in a line or two. */
#include "base/json.h"
#include "command.h"
#include "diagnosis.h"
#include "explain.h"
#include "host/process/sandbox.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

enum { WAIT_S = 5, WAIT_MAX_S = 600, WHY_MAX = 512 };

static const struct tool_option options[] = {
    {"role", "client|server", "role of the plugin (guessed from its name and options)"},
    {"remote", "HOST:PORT",
     "the server's address: SS_REMOTE_* (a free port of 127.0.0.1 for a\n"
     "server, 127.0.0.1:8388 for a client)"},
    {"local", "HOST:PORT",
     "the address a client listens on (a free port of 127.0.0.1), or a\n"
     "server dials (127.0.0.1:1984)"},
    {"options", "STRING", "SS_PLUGIN_OPTIONS"},
    {"mode", "MODE", "tcp_only, udp_only or tcp_and_udp (tcp_only)"},
    {"wait", "SECONDS", "time within which it has to listen (5)"},
    {"plugin-dir", "DIR", "directory where BIN is looked for before $PATH"},
    {"user", "NAME", "run it as this user"},
    {"writable", "PATHS", "paths that it may write in the sandbox, joined by \":\""},
    {"ports", "PORTS", "TCP ports that it may use besides those in its options, or any"},
    {"no-sandbox", NULL, "run it without the sandbox"},
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    "doctor",
    "[options] BIN",
    "Starts BIN as ss-local and ss-server would, in their sandbox and environment, watches its\n"
    "first moments, and says why it does not work and what to do about it. Nothing is sent to it,\n"
    "and it is ended afterwards.\n"
    "Status 0: it works; 1: it does not.",
    options,
    "  ss-plugin doctor --options 'obfs=http' obfs-local\n"
    "  ss-plugin doctor --role server --remote 0.0.0.0:443 --options 'server;tls' \\\n"
    "      v2ray-plugin\n",
};

struct visit {
    struct place place;
    const char *directory, *user, *writable, *ports; /* NULL: not given */
    unsigned wait_s;
    bool no_sandbox, json;
};

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    struct visit *v = arg;
    const struct {
        const char *name;
        bool *on;
        const char **text;
    } rows[] = {{"json", &v->json, NULL},
                {"no-sandbox", &v->no_sandbox, NULL},
                {"plugin-dir", NULL, &v->directory},
                {"user", NULL, &v->user},
                {"writable", NULL, &v->writable},
                {"ports", NULL, &v->ports}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (rows[i].on != NULL)
            *rows[i].on = true;
        else if (rows[i].text != NULL)
            *rows[i].text = value;
        return SSP_GO_ON;
    }
    if (strcmp(name, "wait") != 0)
        return place_take(&v->place, &usage, name, value);
    long s = tool_number(value, WAIT_MAX_S);
    if (s == -1)
        return tool_refuse(&usage, "--wait %.40s: expected seconds, 1 to %d", value, WAIT_MAX_S);
    v->wait_s = (unsigned)s;
    return SSP_GO_ON;
}

/* ---- defaults ---- */

static bool has_option(const char *text, const char *key)
{
    struct explain_reading r;
    struct explain_item i;
    bool found = false;
    if (text != NULL && explain_begin(&r, text) == 0) {
        while (explain_next(&r, &i))
            found = found || strcmp(i.item.key, key) == 0;
        explain_end(&r);
    }
    return found;
}

static ssp_role guess_role(const char *plugin, const char *text)
{
    static const char server[] = "-server";
    size_t n = strlen(plugin);
    bool named = n >= sizeof server - 1 && strcmp(plugin + n - (sizeof server - 1), server) == 0;
    return named || has_option(text, "server") ? SSP_SERVER : SSP_CLIENT;
}

static void complete(struct place *p, const char *plugin)
{
    if (p->role == SSP_ROLE_UNKNOWN)
        p->role = guess_role(plugin, p->options);
    struct ssp__endpoint *front = p->role == SSP_SERVER ? &p->remote : &p->local;
    if (front->port == 0)
        (void)ssp__endpoint_set(front, "127.0.0.1", port_reserve());
    place_complete(p, p->role);
}

/* ---- the report ---- */

/* Both forms of the report look at these. */
struct report {
    const struct examination *x;
    struct diagnosis d;
    struct explain_hint hints[EXPLAIN_HINTS_MAX];
    size_t hint_count;
    const char *said[SSP_OUTPUT_LAST];
    unsigned said_count;
};

static void print_line(const char *head, const char *text)
{
    char shown[DIAGNOSIS_TEXT];
    printf("%-6s %s\n", head, tool_printable(shown, sizeof shown, text));
}

static void print_lines(const struct report *r)
{
    print_line(r->d.works ? "works:" : "cause:", r->d.what);
    if (r->d.advice[0] != '\0')
        print_line("do:", r->d.advice);
    for (unsigned i = 0; i < r->said_count && !r->d.works; i++)
        print_line(i == 0 ? "said:" : "", r->said[i]);
    for (unsigned i = 0; i < r->d.note_count; i++)
        print_line("note:", r->d.notes[i]);
    for (size_t i = 0; i < r->hint_count; i++)
        printf("note:  options, byte %zu: %s\n", r->hints[i].byte, r->hints[i].text);
}

static void json_sockets(struct ssp__json *out, const struct examination *x)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    ssp__json_array(out, "sockets");
    for (unsigned i = 0; i < x->socket_count; i++) {
        ssp__address_format(&x->sockets[i].address, text, sizeof text);
        ssp__json_object(out, NULL);
        ssp__json_text(out, "transport", x->sockets[i].udp ? "udp" : "tcp");
        ssp__json_text(out, "address", text);
        ssp__json_close(out, '}');
    }
    ssp__json_close(out, ']');
}

static void json_time(struct ssp__json *out, const char *key, int64_t us)
{
    if (us == -1)
        ssp__json_text(out, key, NULL);
    else
        ssp__json_real(out, key, (double)us / 1000);
}

static void json_number_if(struct ssp__json *out, const char *key, bool given, int number)
{
    if (given)
        ssp__json_number(out, key, number);
    else
        ssp__json_text(out, key, NULL);
}

static void json_notes(struct ssp__json *out, const struct report *r)
{
    ssp__json_array(out, "said");
    for (unsigned i = 0; i < r->said_count; i++)
        ssp__json_text(out, NULL, r->said[i]);
    ssp__json_close(out, ']');
    ssp__json_array(out, "notes");
    for (unsigned i = 0; i < r->d.note_count; i++)
        ssp__json_text(out, NULL, r->d.notes[i]);
    for (size_t i = 0; i < r->hint_count; i++)
        ssp__json_text(out, NULL, r->hints[i].text);
    ssp__json_close(out, ']');
}

static void print_json(const struct report *r)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    const struct examination *x = r->x;
    char expected[SSP_HOST_MAX + 8];
    ssp__endpoint_format(place_front(x->place), expected, sizeof expected);
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "plugin", x->plugin);
    ssp__json_text(&out, "path", x->path[0] != '\0' ? x->path : NULL);
    ssp__json_text(&out, "role", place_role(x->place->role));
    ssp__json_bool(&out, "works", r->d.works);
    ssp__json_text(&out, "cause", r->d.cause);
    ssp__json_text(&out, "what", r->d.what);
    ssp__json_text(&out, "advice", r->d.advice[0] != '\0' ? r->d.advice : NULL);
    ssp__json_text(&out, "expected", expected);
    json_number_if(&out, "exit_status", x->reached == REACHED_EXITED, x->status);
    json_number_if(&out, "signal", x->reached == REACHED_KILLED, x->status);
    json_time(&out, "listening_ms", x->ready_us);
    json_time(&out, "ended_ms", x->ended_us);
    ssp__json_bool(&out, "notified", x->notified);
    json_sockets(&out, x);
    json_notes(&out, r);
    ssp__json_close(&out, '}');
}

/* The report shows the plugin's output in the end; it is not logged while it runs. */
static void no_log(void *arg, ssp_log_level level, const char *text)
{
    (void)arg;
    (void)level;
    (void)text;
}

static int visit(const struct visit *v, const char *plugin)
{
    static struct examination x; /* too large for a stack; once per process */
    char why[WHY_MAX];
    struct report r = {.x = &x};
    x = (struct examination){.place = &v->place,
                             .plugin = plugin,
                             .directory = v->directory,
                             .user = v->user,
                             .writable = v->writable,
                             .ports = v->ports,
                             .sandbox = !v->no_sandbox && SSP_SANDBOX_POSSIBLE,
                             .wait_ms = v->wait_s * 1000};
    if (examine(&x, why, sizeof why) == -1)
        return tool_fail("doctor", "%s", why);
    diagnose(&x, &r.d);
    r.said_count = ssp__output_last(&x.output, r.said);
    if (v->place.options != NULL)
        r.hint_count = explain_hints(v->place.options, r.hints);
    if (v->json)
        print_json(&r);
    else
        print_lines(&r);
    return r.d.works ? TOOL_OK : TOOL_NO;
}

int doctor_main(int argc, char **argv)
{
    struct visit v = {.wait_s = WAIT_S};
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(&usage, &line, take, &v) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc != 2)
        return tool_wrong(&usage, line.argc == 1 ? "which plugin?" : "one plugin is expected");
    complete(&v.place, argv[1]);
    ssp_log_redirect(no_log, NULL);
    return visit(&v, argv[1]);
}
