/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.c - a proxy that hosts a plugin:  relay PORT PLUGIN HOST PORT [OPTIONS]
 *
 * It accepts users at once.  They wait while no plugin is ready: at the beginning, and while one
 * that died is started again.  A thread for each direction keeps the relay short; a proxy with a
 * loop does in it what its relay does anyway.
 */
#include <ssplugin/host.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING_MAX = 256 };

static struct {
    ssp_loop *loop;
    ssp_host *host;
    bool ready;
    int waiting[WAITING_MAX]; /* users that nothing has been dialed for */
    size_t count;
    volatile sig_atomic_t stopped;
} relay;

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

struct pipe {
    int from, to;
};

/* One direction.  The end is passed on as an end; the other direction goes on. */
static void *pump(void *arg)
{
    const struct pipe *p = arg;
    char bytes[16384];
    ssize_t n;
    while ((n = read(p->from, bytes, sizeof bytes)) > 0) {
        if (send(p->to, bytes, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    }
    (void)shutdown(p->to, SHUT_WR);
    return NULL;
}

static void *serve(void *arg)
{
    struct pipe *up = arg, down = {up->to, up->from};
    pthread_t other;
    if (pthread_create(&other, NULL, pump, &down) == 0) {
        (void)pump(up);
        (void)pthread_join(other, NULL);
    }
    (void)close(up->from);
    (void)close(up->to);
    free(up);
    return NULL;
}

/* The plugin listens here, so that connect() does not wait. */
static void dial(int user)
{
    struct sockaddr_in at = loopback(ssp_host_port(relay.host));
    struct pipe *p = malloc(sizeof *p);
    int plugin = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    if (p != NULL && plugin != -1 && connect(plugin, (struct sockaddr *)&at, sizeof at) == 0) {
        *p = (struct pipe){user, plugin};
        if (pthread_create(&thread, NULL, serve, p) == 0) {
            (void)pthread_detach(thread);
            return;
        }
    }
    free(p);
    (void)close(plugin);
    (void)close(user);
}

static void on_ready(void *arg)
{
    (void)arg;
    relay.ready = true;
    printf("ready, %zu waited\n", relay.count);
    for (size_t i = 0; i < relay.count; i++)
        dial(relay.waiting[i]);
    relay.count = 0;
}

/* It is started again: users who come meanwhile wait.  Connections through it have ended. */
static void on_down(void *arg, const char *why)
{
    (void)arg;
    relay.ready = false;
    printf("down: %s\n", why);
}

static void on_death(void *arg, const char *why)
{
    on_down(arg, why);
    relay.stopped = 1;
}

static void take(int listener)
{
    int user = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (user == -1)
        return;
    if (relay.ready)
        dial(user);
    else if (relay.count < WAITING_MAX)
        relay.waiting[relay.count++] = user;
    else
        (void)close(user);
}

static void stop(int signo)
{
    (void)signo;
    relay.stopped = 1;
    ssp_loop_wake(relay.loop); /* NOLINT(bugprone-signal-handler): made for it, see host.h */
}

static int listen_at(uint16_t port)
{
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 128) == 0 ? fd : -1;
}

static void run(int listener)
{
    struct pollfd all[] = {{.fd = listener, .events = POLLIN},
                           {.fd = ssp_loop_fd(relay.loop), .events = POLLIN}};
    while (!relay.stopped) {
        (void)poll(all, 2, -1);
        if (all[0].revents != 0)
            take(listener);
        if (ssp_loop_turn(relay.loop, 0) == -1)
            break;
    }
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return EXIT_FAILURE;
    ssp_host_conf conf = {.size = sizeof conf,
                          .plugin = argv[2],
                          .options = argv[5],
                          .remote_host = argv[3],
                          .remote_port = (uint16_t)strtoul(argv[4], NULL, 10),
                          .local_host =
                              "127.0.0.1", /* and a free port, another one at each start */
                          .role = SSP_CLIENT,
                          .restart = true,
                          .ready_ms = 10000,
                          .grace_ms = 2000,
                          .on_ready = on_ready,
                          .on_down = on_down,
                          .on_death = on_death};
    char why[1024] = "cannot listen";
    int listener = listen_at((uint16_t)strtoul(argv[1], NULL, 10));
    setvbuf(stdout, NULL, _IOLBF, 0);
    relay.loop = ssp_loop_new();
    signal(SIGTERM, stop);
    if (relay.loop != NULL && listener != -1)
        relay.host = ssp_host_start(relay.loop, &conf, why, sizeof why);
    if (relay.host != NULL)
        run(listener);
    else
        fprintf(stderr, "%s\n", why);
    ssp_host_stop(relay.host);
    ssp_loop_free(relay.loop);
    return relay.host != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
