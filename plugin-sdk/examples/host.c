/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - runs any SIP003 plugin between two addresses until SIGTERM.
 * host PLUGIN client|server REMOTE-HOST PORT LOCAL-HOST PORT [OPTIONS], a client's port being 0 */
#include <ssplugin/host.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t over;

static void end(int signo)
{
    over = signo;
}

static void ready(void *arg) /* arg is where the host is kept */
{
    printf("ready on port %u\n", ssp_host_port(*(ssp_host **)arg));
}

static void died(void *arg, const char *why)
{
    (void)arg;
    printf("dead: %s\n", why);
    over = SIGCHLD;
}

static void said(void *arg, const char *key, const char *value)
{
    (void)arg;
    printf("notice %s: %s\n", key, value); /* STATS, STATUS, CLIENT-OPTIONS, ... */
}

int main(int argc, char **argv)
{
    char why[1024] = "expected PLUGIN client|server REMOTE-HOST PORT LOCAL-HOST PORT [OPTIONS]";
    ssp_loop *loop = ssp_loop_new();
    ssp_host *host = NULL;
    ssp_host_conf conf = {.size = sizeof conf, .ready_ms = 10000, .grace_ms = 2000};
    conf.on_ready = ready, conf.on_down = conf.on_death = died, conf.on_notify = said;
    conf.arg = &host;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, end), signal(SIGINT, end);
    if (loop != NULL && argc >= 7) {
        conf.plugin = argv[1], conf.options = argv[7];
        conf.role = *argv[2] == 's' ? SSP_SERVER : SSP_CLIENT;
        conf.remote_host = argv[3], conf.remote_port = (uint16_t)strtoul(argv[4], NULL, 10);
        conf.local_host = argv[5], conf.local_port = (uint16_t)strtoul(argv[6], NULL, 10);
        host = ssp_host_start(loop, &conf, why, sizeof why);
    }
    if (host == NULL)
        fprintf(stderr, "%s\n", why);
    while (host != NULL && !over && ssp_loop_turn(loop, 100) == 0)
        continue; /* a program with work of its own does some of it here */
    ssp_host_stop(host);
    ssp_loop_free(loop);
    return over == SIGTERM || over == SIGINT ? EXIT_SUCCESS : EXIT_FAILURE;
}
