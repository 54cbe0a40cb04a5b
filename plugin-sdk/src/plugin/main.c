/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - ssp_main(): a codec becomes a SIP003 program. */
#include "base/log.h"
#include "contract/extensions.h"
#include "plugin/cli.h"
#include "plugin/process.h"
#include "plugin/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY_MAX = 512 };

/* For a host that looks into our file. */
__attribute__((used)) static const char takes_listen_fds[] = SSP_TAKES_LISTEN_FDS;

struct plugin {
    const ssp_codec *codec;
    struct ssp_settings settings;
    struct ssp_cli cli;
    struct ssp_tunnel tunnel;
    struct ssp_watch *lifeline;
    ssp_env env;
    char why[WHY_MAX];
};

static int fail(const struct plugin *p, int status)
{
    ssp_error("%s", p->why);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Contract, option, then the program's own name decide; a codec of one role needs none of them. */
static ssp_role role_of(const struct plugin *p, const char *argv0)
{
    if (p->codec->flags & SSP_CLIENT_ONLY)
        return SSP_CLIENT;
    if (p->codec->flags & SSP_SERVER_ONLY)
        return SSP_SERVER;
    if (p->env.role != SSP_ROLE_UNKNOWN)
        return p->env.role;
    if (p->settings.builtin.server || ends_with(argv0, "-server"))
        return SSP_SERVER;
    return SSP_CLIENT;
}

static void warn_unknown(void *arg, const char *key)
{
    (void)arg;
    ssp_info("option %s is unknown: ignored", key);
}

/* Environment first, the command line over it. */
static int configure(struct plugin *p, int argc, char **argv)
{
    int given = ssp_env_read(&p->env, p->why, sizeof p->why);
    if (given == -1)
        return fail(p, SSP_EXIT_CONFIG);
    if (ssp_settings_init(&p->settings, p->codec, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_OS);
    if (p->env.options != NULL && ssp_settings_parse(&p->settings, p->env.options, warn_unknown,
                                                     NULL, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_CONFIG);
    int status = ssp_cli_read(&p->cli, &p->settings, role_of(p, argv[0]), argc, argv);
    if (status != -1)
        return status;
    p->env.role = role_of(p, argv[0]);
    if (ssp_cli_env(&p->cli, &p->env, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_USAGE);
    if (ssp_settings_finish(&p->settings, &p->env, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_CONFIG);
    return -1;
}

static int take_position(struct plugin *p)
{
    const struct ssp_cli *cli = &p->cli;
    const char *user = p->settings.builtin.user;
    if (cli->nofile > 0 && ssp_process_limit_files(cli->nofile, p->why, sizeof p->why) == -1)
        ssp_error("%s", p->why);
    if (cli->pid_file != NULL && ssp_process_detach(cli->pid_file, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_OS);
    int status = ssp_tunnel_open(&p->tunnel, &p->settings, &p->env, p->why, sizeof p->why);
    if (status != 0)
        return fail(p, status);
    if (user != NULL && ssp_process_become(user, p->why, sizeof p->why) == -1)
        return fail(p, SSP_EXIT_NOPERM);
    return -1;
}

static void input_ready(void *arg)
{
    struct plugin *p = arg;
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) == 0)
        ssp_program_stop(&p->tunnel.program, SSP_EXIT_OK);
}

/* A host that says so holds our stdin open as long as it lives. */
static void watch_lifeline(struct plugin *p)
{
    const char *wish = getenv("SS_EXIT_ON_STDIN_CLOSE");
    if (wish != NULL && strcmp(wish, "1") == 0)
        p->lifeline = ssp_watch_open(p->tunnel.program.loop, STDIN_FILENO, input_ready, p);
}

static void log_start(const struct plugin *p)
{
    const struct ssp_tunnel *t = &p->tunnel;
    char from[SSP_HOST_MAX + 8], to[SSP_HOST_MAX + 8];
    ssp_endpoint_format(&t->listen[0], from, sizeof from);
    ssp_endpoint_format(&t->dial[0], to, sizeof to);
    ssp_info("%s listening at %s, forwarding to %s",
             p->env.role == SSP_CLIENT ? "client" : "server", from, to);
}

static int run(struct plugin *p, bool hosted, int argc, char **argv)
{
    int status = configure(p, argc, argv);
    if (status != -1)
        return status;
    ssp_log_open(p->cli.pid_file != NULL ? SSP_LOG_SYSLOG : SSP_LOG_PLUGIN, p->codec->name,
                 p->settings.builtin.verbose);
    if (p->cli.check) {
        ssp_info("configuration is valid");
        return SSP_EXIT_OK;
    }
    status = take_position(p);
    if (status != -1)
        return status;
    if (hosted) {
        watch_lifeline(p);
        (void)ssp_process_follow_parent(); /* a change of user has undone it */
    }
    log_start(p);
    return ssp_program_run(&p->tunnel.program);
}

int ssp_main(int argc, char **argv, const ssp_codec *codec)
{
    struct plugin *p = calloc(1, sizeof *p);
    bool hosted = getenv("SS_REMOTE_HOST") != NULL;
    if (p == NULL)
        return SSP_EXIT_OS;
    p->codec = codec;
    ssp_process_sanitise();
    ssp_log_open(SSP_LOG_PLUGIN, codec->name, false);
    if (hosted && ssp_process_follow_parent() == -1) {
        free(p);
        return SSP_EXIT_OK;
    }
    int status = run(p, hosted, argc, argv);
    ssp_watch_close(p->lifeline);
    ssp_tunnel_close(&p->tunnel);
    ssp_settings_release(&p->settings);
    free(p);
    return status;
}
