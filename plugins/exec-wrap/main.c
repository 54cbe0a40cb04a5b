/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - exec-wrap: any tunnel with a command line becomes a SIP003 plugin. */
#include "exec-wrap/request.h"

#include "wrap/program.h"

#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>
#include <ssplugin/supervise.h>

#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 1024, LINE_MAX_BYTES = 1024 };

/* The command gets the addresses as arguments, so it must not get the variables of the contract,
 * too. */
static const char *const hidden[] = {
    "SS_REMOTE_HOST",      "SS_REMOTE_PORT",         "SS_LOCAL_HOST",
    "SS_LOCAL_PORT",       "SS_PLUGIN_ROLE",         "SS_PLUGIN_MODE",
    "SS_PLUGIN_NOTIFY_FD", "SS_EXIT_ON_STDIN_CLOSE", NULL,
};

static const char usage[] =
    "exec-wrap: runs a tunnel with a command line as a SIP003 plugin\n\n"
    "It takes the addresses and options of a SIP003 host from its environment:\n"
    "  SS_PLUGIN_OPTIONS='cmd=kcptun-client -l %L -r %R --key x;ready=tcp'\n\n"
    "  cmd=COMMAND          command to run; %L is SS_LOCAL_HOST:SS_LOCAL_PORT, %R is\n"
    "                       SS_REMOTE_HOST:SS_REMOTE_PORT, %lh %lp %rh %rp parts\n"
    "  ready=tcp|udp|none   when it is ready: TCP listener, UDP socket, at once\n"
    "  start=SECONDS        limit until it is ready (10)\n"
    "  hup=pass|ignore      pass SIGHUP to the command or not (ignore)\n"
    "  server, client       the role, for hosts that do not set it\n"
    "  file=PATH            file that the command reads, for the sandbox of the host\n\n"
    "  --check, --version, --help\n";

/* The command listens at the address that the contract gives the plugin, and dials the other one.
 */
static void describe(const struct request *w, char *line, size_t cap)
{
    bool server = w->role == SSP_SERVER;
    (void)snprintf(
        line, cap, "%s: %.60s is to listen at %s port %s, and to dial %s port %s",
        server ? "server" : "client", strrchr(w->program, '/') + 1,
        server ? w->remote_host : w->local_host, server ? w->env->remote_port : w->env->local_port,
        server ? w->local_host : w->remote_host, server ? w->env->local_port : w->env->remote_port);
}

/* The command is the only member. */
static void pass_reload(void *unit)
{
    ssp_host *command = ssp_unit_host(unit, 0);
    if (command != NULL)
        ssp_host_reload(command);
}

static int serve(const struct request *w)
{
    char line[LINE_MAX_BYTES];
    const ssp_host_conf conf = {.size = sizeof conf,
                                .plugin = w->program,
                                .role = w->role,
                                .remote_host = w->remote_host,
                                .remote_port = (uint16_t)ssp_port_parse(w->env->remote_port),
                                .local_host = w->local_host,
                                .local_port = (uint16_t)ssp_port_parse(w->env->local_port),
                                .ready_ms = w->start_ms,
                                .grace_ms = SSP_UNIT_GRACE_MS,
                                .mode = w->mode,
                                .argv = (const char *const *)w->words.word + 1,
                                .variables = hidden,
                                .ready = w->ready};
    ssp_unit *unit = ssp_unit_new(w->env);
    int status = SSP_EXIT_OS;
    describe(w, line, sizeof line);
    if (unit != NULL && w->passes_hup)
        ssp_unit_on_reload(unit, pass_reload, unit);
    if (unit != NULL && ssp_unit_add(unit, &conf) != -1)
        status = ssp_unit_run(unit, line);
    else
        ssp_error("no event loop: out of memory or descriptors");
    ssp_unit_free(unit);
    return status;
}

static int run(const ssp_env *env, char *name, bool check)
{
    char why[WHY_MAX];
    struct request request;
    int status = request_read(&request, env, name, why, sizeof why);
    if (status != SSP_EXIT_OK)
        ssp_error("%s", why);
    else if (!check)
        status = serve(&request);
    request_release(&request);
    return status;
}

SSP_PLUGIN_NEEDS_PORTS

int main(int argc, char **argv)
{
    static const struct wrap_program program = {"exec-wrap", EXEC_WRAP_VERSION, usage, run};
    return wrap_main(argc, argv, &program);
}
