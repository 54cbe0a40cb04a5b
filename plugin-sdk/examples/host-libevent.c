/* SPDX-License-Identifier: Apache-2.0 */
/* host-libevent.c - host.c in the loop of libevent:  host-libevent PLUGIN HOST PORT [OPTIONS] */
#include <ssplugin/host.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

struct program {
    struct event_base *base;
    ssp_loop *loop;
    ssp_host *host;
};

static void on_ready(void *arg)
{
    const struct program *p = arg;
    printf("ready on port %u\n", ssp_host_port(p->host));
}

static void on_death(void *arg, const char *why)
{
    const struct program *p = arg;
    printf("dead: %s\n", why);
    (void)event_base_loopbreak(p->base);
}

/* The descriptor is readable while the loop has work: deadlines, deaths and lines of the plugin. */
static void turn(evutil_socket_t fd, short what, void *arg)
{
    const struct program *p = arg;
    (void)fd, (void)what;
    (void)ssp_loop_turn(p->loop, 0);
}

static void stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    (void)event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return EXIT_FAILURE;
    struct program p = {.base = event_base_new(), .loop = ssp_loop_new()};
    ssp_host_conf conf = {.size = sizeof conf,
                          .plugin = argv[1],
                          .remote_host = argv[2],
                          .remote_port = (uint16_t)strtoul(argv[3], NULL, 10),
                          .options = argv[4],
                          .role = SSP_CLIENT,
                          .local_host = "127.0.0.1", /* and a free port */
                          .ready_ms = 10000,
                          .grace_ms = 2000,
                          .arg = &p,
                          .on_ready = on_ready,
                          .on_down = on_death,
                          .on_death = on_death};
    char why[1024];
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct event *work = event_new(p.base, ssp_loop_fd(p.loop), EV_READ | EV_PERSIST, turn, &p);
    struct event *term = evsignal_new(p.base, 15, stop, p.base);
    (void)event_add(work, NULL), (void)event_add(term, NULL);
    p.host = ssp_host_start(p.loop, &conf, why, sizeof why);
    if (p.host != NULL)
        (void)event_base_dispatch(p.base);
    else
        fprintf(stderr, "%s\n", why);
    ssp_host_stop(p.host);
    event_free(work), event_free(term);
    ssp_loop_free(p.loop);
    event_base_free(p.base);
    return p.host != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
