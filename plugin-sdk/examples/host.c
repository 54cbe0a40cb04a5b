/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - runs any SIP003 plugin between two addresses, from a poll() loop of its own.
 *
 *     host PLUGIN client|server REMOTE-HOST PORT LOCAL-HOST PORT [OPTIONS]
 *
 * The port of a client may be 0: then the host chooses one and says which.
 */
#include <ssplugin/host.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopped;
static ssp_loop *loop;

static void stop(int signo)
{
    stopped = signo;
    ssp_loop_wake(loop); /* NOLINT(bugprone-signal-handler): made for it, see host.h */
}

static void on_ready(void *arg)
{
    ssp_host *const *host = arg;
    printf("ready on port %u\n", ssp_host_port(*host));
}

static void on_death(void *arg, const char *why)
{
    (void)arg;
    printf("dead: %s\n", why);
    stopped = SIGCHLD;
}

/* STATS, STATUS, CLIENT-OPTIONS and any other line of the plugin. */
static void on_notify(void *arg, const char *key, const char *value)
{
    (void)arg;
    printf("notice %s: %s\n", key, value);
}

static void read_arguments(ssp_host_conf *conf, char **argv)
{
    conf->plugin = argv[1];
    conf->role = strcmp(argv[2], "server") == 0 ? SSP_SERVER : SSP_CLIENT;
    conf->remote_host = argv[3];
    conf->remote_port = (uint16_t)strtoul(argv[4], NULL, 10);
    conf->local_host = argv[5];
    conf->local_port = (uint16_t)strtoul(argv[6], NULL, 10);
    conf->options = argv[7];
}

/* A program with sockets of its own waits for them in the same poll(). */
static void run(void)
{
    struct pollfd waiting[] = {{.fd = ssp_loop_fd(loop), .events = POLLIN}};
    int wait_ms = waiting[0].fd == -1 ? 100 : -1; /* without such a descriptor: at intervals */
    while (stopped == 0) {
        (void)poll(waiting, 1, wait_ms);
        if (ssp_loop_turn(loop, 0) == -1)
            break;
    }
}

int main(int argc, char **argv)
{
    ssp_host *host = NULL;
    ssp_host_conf conf = {
        .size = sizeof conf,
        .ready_ms = 10000,
        .grace_ms = 2000,
        .arg = &host,
        .on_ready = on_ready,
        .on_down = on_death, /* never called: restart is not set */
        .on_death = on_death,
        .on_notify = on_notify,
    };
    char why[1024];

    if (argc < 7) {
        fprintf(stderr,
                "usage: host PLUGIN client|server REMOTE-HOST PORT LOCAL-HOST PORT [OPTIONS]\n");
        return EXIT_FAILURE;
    }
    loop = ssp_loop_new();
    if (loop == NULL) {
        fprintf(stderr, "cannot create an event loop\n");
        return EXIT_FAILURE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    read_arguments(&conf, argv);
    host = ssp_host_start(loop, &conf, why, sizeof why);
    if (host != NULL)
        run();
    else
        fprintf(stderr, "%s\n", why);
    ssp_host_stop(host);
    ssp_loop_free(loop);
    return stopped == SIGTERM || stopped == SIGINT ? EXIT_SUCCESS : EXIT_FAILURE;
}
