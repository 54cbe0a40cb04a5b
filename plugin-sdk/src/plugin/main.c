/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - ssp_main(): codecs become a SIP003 program. */
#include <ssplugin/drive.h>
#include <ssplugin/log.h>

#include "base/printed.h"
#include "net/daemon.h"
#include "options/describe.h"
#include "plugin/cli.h"
#include "plugin/control.h"
#include "plugin/lifecycle.h"
#include "plugin/runtime.h"
#include "plugin/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 512, UNKNOWN_MAX = 256, STATUS_MAX = 2 * SSP_HOST_MAX + 64 };

struct plugin {
    struct ssp__settings settings;
    struct ssp__cli cli;
    /* The codec that runs: the only one, or a stack of several, with its parts. */
    const ssp_codec *codec;
    const void *conf;
    ssp_stack *stack;
    const ssp_codec **layer_codec;
    const void **layer_conf;
    struct ssp__tunnel tunnel;
    struct ssp__files files;
    struct ssp__runtime life;
    struct ssp__control control;
    struct ssp__daemon daemon;
    ssp_env env;
    char status[STATUS_MAX];   /* a line for people */
    char unknown[UNKNOWN_MAX]; /* names of unknown options, for the log */
    unsigned unknowns;
    int exit_status; /* beside SSP_EXIT_WITH */
    char why[WHY_MAX];
};

static enum ssp__next leave(struct plugin *p, int status)
{
    p->exit_status = status;
    return SSP_EXIT_WITH;
}

static enum ssp__next fail(struct plugin *p, int status)
{
    ssp_error("%s", p->why);
    return leave(p, status);
}

/* Codecs of one role leave no choice. */
static ssp_role role_of(const struct plugin *p, const char *argv0)
{
    unsigned roles = ssp__settings_roles(&p->settings);
    const struct ssp__builtin *builtin = &p->settings.builtin;
    if (roles == 1u << SSP_CLIENT)
        return SSP_CLIENT;
    if (roles == 1u << SSP_SERVER)
        return SSP_SERVER;
    ssp_role option = builtin->server   ? SSP_SERVER
                      : builtin->client ? SSP_CLIENT
                                        : SSP_ROLE_UNKNOWN;
    return ssp_env_role(&p->env, option, argv0);
}

/* A host that says the role means it: a server where a client is due would forward to itself. */
static bool role_is_refused(struct plugin *p, ssp_role asked)
{
    static const char *const names[] = {[SSP_CLIENT] = "client", [SSP_SERVER] = "server"};
    if (asked == SSP_ROLE_UNKNOWN || asked == p->env.role)
        return false;
    (void)snprintf(p->why, sizeof p->why, "the host asks for a %s, and this is the plugin of a %s",
                   names[asked], names[p->env.role]);
    return true;
}

/* ---- configuration ---- */

static void note_unknown(void *arg, const char *key)
{
    struct plugin *p = arg;
    size_t len = strlen(p->unknown);
    const char *guess = ssp__settings_guess(&p->settings, key);
    (void)snprintf(p->unknown + len, sizeof p->unknown - len, "%s%.60s%s%s%s", len > 0 ? ", " : "",
                   key, guess != NULL ? " (did you mean " : "", guess != NULL ? guess : "",
                   guess != NULL ? "?)" : "");
    p->unknowns++;
}

static enum ssp__next judge_unknown(struct plugin *p)
{
    if (p->unknowns == 0)
        return SSP_GO_ON;
    (void)snprintf(p->why, sizeof p->why, "option%s %s %s unknown", p->unknowns > 1 ? "s" : "",
                   p->unknown, p->unknowns > 1 ? "are" : "is");
    if (p->settings.builtin.strict)
        return fail(p, SSP_EXIT_CONFIG);
    ssp_info("%s: ignored", p->why);
    return SSP_GO_ON;
}

/* Reads the environment first; the command line overrides it. */
static enum ssp__next read_options(struct plugin *p, int argc, char **argv)
{
    if (ssp_env_read(&p->env, sizeof p->env, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_CONFIG);
    if (p->env.options != NULL && ssp__settings_parse(&p->settings, p->env.options, note_unknown, p,
                                                      p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_CONFIG);
    p->cli.on_unknown = note_unknown;
    p->cli.arg = p;
    if (ssp__cli_read(&p->cli, &p->settings, argc, argv, &p->exit_status) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    return judge_unknown(p);
}

static enum ssp__next configure(struct plugin *p, bool hosted, int argc, char **argv)
{
    if (read_options(p, argc, argv) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    ssp_role asked = p->env.role;
    p->env.role = role_of(p, argc > 0 ? argv[0] : NULL);
    if (p->cli.help) {
        ssp__cli_help(&p->settings, p->env.role);
        return leave(p, SSP_EXIT_OK);
    }
    if (role_is_refused(p, asked))
        return fail(p, SSP_EXIT_CONFIG);
    if (ssp__cli_place(&p->cli, &p->settings, &p->env, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_USAGE);
    if (ssp__control_check(p->settings.builtin.control, p->why, sizeof p->why) == -1 ||
        ssp__files_check(&p->files, &p->settings, p->env.role, p->why, sizeof p->why) == -1 ||
        ssp__settings_finish(&p->settings, &p->env, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_CONFIG);
    struct ssp__tunnel_request request = {.name = p->settings.layer[0].codec.name,
                                          .codec = p->codec,
                                          .conf = p->conf,
                                          .builtin = &p->settings.builtin,
                                          .env = &p->env,
                                          .hosted = hosted};
    ssp_log_open(SSP_LOG_PLUGIN, request.name, p->settings.builtin.verbose);
    int status = ssp__tunnel_plan(&p->tunnel, &request, p->why, sizeof p->why);
    return status == 0 ? SSP_GO_ON : fail(p, status);
}

/* ---- running ---- */

static enum ssp__next not_begun(struct plugin *p)
{
    (void)snprintf(p->why, sizeof p->why, "watch signals and standard input: %s", strerror(errno));
    return fail(p, SSP_EXIT_OS);
}

static int to_background(struct plugin *p)
{
    if (ssp__daemon_detach(&p->daemon, p->cli.pid_file, p->why, sizeof p->why) == -1)
        return -1;
    ssp_log_open(SSP_LOG_SYSLOG, p->tunnel.request.name, p->settings.builtin.verbose);
    return 0;
}

static enum ssp__next take_position(struct plugin *p, bool hosted)
{
    const struct ssp__cli *cli = &p->cli;
    const char *user = p->settings.builtin.user;
    if (cli->nofile == 0)
        ssp__daemon_raise_files();
    else if (ssp__daemon_limit_files(cli->nofile, p->why, sizeof p->why) == -1)
        ssp_error("%s", p->why);
    if (cli->pid_file != NULL && to_background(p) == -1)
        return fail(p, SSP_EXIT_OS);
    int status = ssp__tunnel_open(&p->tunnel, ssp__runtime_stir, &p->life, p->why, sizeof p->why);
    if (status != 0)
        return fail(p, status);
    if (user != NULL && ssp__daemon_become(user, false, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_NOPERM);
    /* Comes after the change of user, which would undo it.  A process in the background has no
     * host. */
    bool follows = hosted && cli->pid_file == NULL;
    status = ssp__runtime_begin(&p->life, &p->tunnel, &p->settings, &p->files, follows);
    if (status != 0)
        return status == 1 ? leave(p, SSP_EXIT_OK) : not_begun(p);
    return ssp__control_open(&p->control, p->settings.builtin.control, p->tunnel.program.loop,
                             ssp__runtime_tell, &p->life, p->why, sizeof p->why) == 0
               ? SSP_GO_ON
               : fail(p, SSP_EXIT_UNAVAIL);
}

static void announce(struct plugin *p)
{
    static const char *const carries[] = {
        [SSP_TCP_ONLY] = "", [SSP_UDP_ONLY] = " (udp)", [SSP_TCP_AND_UDP] = " (tcp and udp)"};
    const struct ssp__tunnel *t = &p->tunnel;
    char from[SSP_HOST_MAX + 8], to[SSP_HOST_MAX + 8];
    ssp__endpoint_format(&t->listen[0], from, sizeof from);
    ssp__endpoint_format(&t->dial[0], to, sizeof to);
    (void)snprintf(p->status, sizeof p->status, "%s listening at %s%s, forwarding to %s",
                   p->env.role == SSP_CLIENT ? "client" : "server", from, carries[t->mode], to);
    if (!ssp__runtime_ready(&p->life, p->status))
        ssp_info("%s", p->status);
}

/* An answer that could not be written is a failure. */
static int printed(int status)
{
    if (status != SSP_EXIT_OK || ssp__printed())
        return status;
    ssp_error("write the answer: %s", strerror(errno));
    return SSP_EXIT_OS;
}

static int run(struct plugin *p, bool hosted, int argc, char **argv)
{
    if (configure(p, hosted, argc, argv) == SSP_EXIT_WITH)
        return printed(p->exit_status);
    if (p->cli.check) {
        ssp_info("configuration is valid");
        return SSP_EXIT_OK;
    }
    if (take_position(p, hosted) == SSP_EXIT_WITH)
        return p->exit_status;
    announce(p);
    if (!ssp__daemon_ready(&p->daemon))
        return SSP_EXIT_OS;
    return ssp__program_run(&p->tunnel.program);
}

/* ---- codecs ---- */

static int stack_up(struct plugin *p)
{
    const struct ssp__settings *s = &p->settings;
    p->layer_codec = calloc(s->layers, sizeof(const ssp_codec *));
    p->layer_conf = calloc(s->layers, sizeof(const void *));
    if (p->layer_codec == NULL || p->layer_conf == NULL)
        return -1;
    for (size_t i = 0; i < s->layers; i++) {
        p->layer_codec[i] = &s->layer[i].codec;
        p->layer_conf[i] = s->layer[i].conf;
    }
    p->stack = ssp_stack_new(p->layer_codec, p->layer_conf, s->layers);
    if (p->stack == NULL)
        return -1;
    p->codec = ssp_stack_codec(p->stack);
    p->conf = p->stack;
    return 0;
}

static enum ssp__next take_codecs(struct plugin *p, const ssp_codec *const *codec, size_t n)
{
    if (ssp__settings_init(&p->settings, codec, n, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_OS);
    p->codec = &p->settings.layer[0].codec;
    p->conf = p->settings.layer[0].conf;
    if (n == 1 || stack_up(p) == 0)
        return SSP_GO_ON;
    (void)snprintf(p->why, sizeof p->why,
                   ssp__settings_roles(&p->settings) == 0
                       ? "the codecs allow no common role"
                       : "the codecs could not be stacked: out of memory");
    return fail(p, ssp__settings_roles(&p->settings) == 0 ? SSP_EXIT_BUG : SSP_EXIT_OS);
}

static void end(struct plugin *p)
{
    ssp__control_close(&p->control);
    ssp__runtime_end(&p->life);
    ssp__tunnel_close(&p->tunnel);
    ssp__daemon_end(&p->daemon);
    ssp_stack_free(p->stack);
    free(p->layer_codec);
    free(p->layer_conf);
    ssp__settings_release(&p->settings);
    free(p);
}

int ssp_mainv(int argc, char **argv, const ssp_codec *const *codec, size_t n)
{
    if (n == 0)
        return SSP_EXIT_BUG;
    bool hosted = getenv("SS_REMOTE_HOST") != NULL;
    ssp__lifecycle_reset();
    if (ssp__runtime_prepare(hosted) == -1)
        return SSP_EXIT_OK;
    ssp_log_open(SSP_LOG_PLUGIN, codec[0]->name, false);
    struct plugin *p = calloc(1, sizeof *p);
    if (p == NULL) {
        ssp_error("out of memory");
        return SSP_EXIT_OS;
    }
    enum ssp__next next = take_codecs(p, codec, n);
    int status = next == SSP_GO_ON ? run(p, hosted, argc, argv) : p->exit_status;
    end(p);
    return status;
}

int ssp_main(int argc, char **argv, const ssp_codec *codec)
{
    return ssp_mainv(argc, argv, &codec, 1);
}
