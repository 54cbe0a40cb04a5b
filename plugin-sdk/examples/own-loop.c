/* SPDX-License-Identifier: Apache-2.0 */
/* own-loop - the client of http-upgrade.c without ssp_main(): the pieces of the SDK in a program
 * with sockets and a loop of its own, here one thread and one poll() for each connection. */
#include <ssplugin/drive.h>
#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

extern const ssp_codec http_upgrade;

struct plugin {
    ssp_env env;
    ssp_conf *conf; /* made once, read by every thread */
    ssp_stats stats;
};

/* One direction: read here, through the codec, written there. */
struct direction {
    int from, to;
    ssp_verdict verdict;
    int shut; /* its end has been passed on */
};

struct connection {
    const struct plugin *plugin;
    int plain;
};

/* The poll() events of a direction: it writes its output before it reads more input.  Returns -1
 * when it was cut. */
static int request(ssp_drive *drive, ssp_dir dir, struct direction *d, struct pollfd *poll)
{
    size_t waiting;
    (void)ssp_drive_output(drive, dir, &waiting);
    *poll = (struct pollfd){.fd = d->to, .events = POLLOUT};
    if (waiting > 0)
        return 0;
    *poll = (struct pollfd){.fd = d->from, .events = POLLIN};
    if (d->verdict == SSP_MORE || d->verdict == SSP_CLEAR)
        return 0;
    poll->fd = -1;
    if (d->verdict == SSP_END && !d->shut)
        d->shut = shutdown(d->to, SHUT_WR) == 0 ? 1 : -1;
    return d->shut == 1 ? 0 : -1;
}

/* Handles the events that poll() reported.  Returns -1 when the connection is lost. */
static int move(ssp_drive *drive, ssp_dir dir, struct direction *d)
{
    char bytes[16384];
    size_t waiting;
    const uint8_t *out = ssp_drive_output(drive, dir, &waiting);
    ssize_t n = waiting > 0 ? send(d->to, out, waiting, MSG_DONTWAIT | MSG_NOSIGNAL)
                            : recv(d->from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (waiting > 0)
        ssp_drive_take(drive, dir, (size_t)n);
    else
        d->verdict = ssp_drive_feed(drive, dir, bytes, (size_t)n, n == 0);
    return 0;
}

static int relay(ssp_drive *drive, struct direction d[2])
{
    struct pollfd p[2];
    for (;;) {
        for (int dir = SSP_WRAP; dir <= SSP_UNWRAP; dir++) {
            if (request(drive, (ssp_dir)dir, &d[dir], &p[dir]) == -1)
                return -1;
        }
        if (d[SSP_WRAP].shut && d[SSP_UNWRAP].shut)
            return 0;
        if (poll(p, 2, -1) == -1 && errno != EINTR)
            return -1;
        for (int dir = SSP_WRAP; dir <= SSP_UNWRAP; dir++) {
            if (p[dir].revents != 0 && move(drive, (ssp_dir)dir, &d[dir]) == -1)
                return -1;
        }
    }
}

/* A socket that is connected to one of the addresses, or with listener one that listens there. */
static int open_socket(const char *hosts, const char *port, int listener)
{
    char host[256];
    while (ssp_hosts_next(&hosts, host, sizeof host) == 1) {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
        if (getaddrinfo(host, port, &hints, &list) != 0)
            continue;
        for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
            int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
            (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
            if (listener ? bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0
                         : connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
                freeaddrinfo(list);
                return fd;
            }
            (void)close(fd);
        }
        freeaddrinfo(list);
    }
    return -1;
}

/* Resets the connection: a cut must not look like a clean end to the peer. */
static void reset(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                     sizeof(struct linger));
}

static void *serve(void *arg)
{
    struct connection c = *(struct connection *)arg;
    const struct plugin *p = c.plugin;
    int wire = open_socket(p->env.remote_host, p->env.remote_port, 0);
    ssp_drive *drive =
        ssp_drive_new(&http_upgrade, SSP_CLIENT, ssp_conf_values(p->conf), ssp_world_real());
    struct direction d[2] = {
        [SSP_WRAP] = {.from = c.plain, .to = wire, .verdict = SSP_MORE},
        [SSP_UNWRAP] = {.from = wire, .to = c.plain, .verdict = SSP_MORE},
    };
    free(arg);
    if (wire == -1 || drive == NULL || relay(drive, d) == -1) {
        reset(c.plain);
        reset(wire);
    }
    ssp_drive_free(drive);
    (void)close(c.plain);
    (void)close(wire);
    return NULL;
}

static void start(const struct plugin *p, int plain)
{
    pthread_t thread;
    struct connection *c = malloc(sizeof *c);
    if (c != NULL) {
        *c = (struct connection){.plugin = p, .plain = plain};
        if (pthread_create(&thread, NULL, serve, c) == 0) {
            (void)pthread_detach(thread);
            return;
        }
    }
    free(c);
    (void)close(plain);
}

/* Accepts until the host asks to stop, or has died. */
static void accept_all(struct plugin *p, int listener)
{
    char ignored[64];
    struct pollfd ready[2] = {
        {.fd = listener, .events = POLLIN},
        {.fd = ssp_lifecycle_input_fd(), .events = POLLIN},
    };
    while (!ssp_lifecycle_orphaned()) {
        int n = poll(ready, 2, 1000);
        if (n > 0 && ready[1].revents != 0 && read(ready[1].fd, ignored, sizeof ignored) == 0)
            return;
        int plain = n > 0 && ready[0].revents != 0 ? accept(listener, NULL, NULL) : -1;
        if (plain == -1)
            continue;
        p->stats.connections++;
        (void)ssp_notify_stats(p->env.notify_fd, &p->stats);
        start(p, plain);
    }
}

static void stop(int signo)
{
    (void)signo;
    _exit(SSP_EXIT_OK);
}

SSP_PLUGIN_NOTE

int main(void)
{
    struct plugin p = {.stats.size = sizeof(ssp_stats)};
    char why[256] = "own-loop needs a SIP003 host, see ss-plugin run";
    if (ssp_lifecycle_begin() == -1)
        return SSP_EXIT_OK;
    (void)signal(SIGTERM, stop);
    (void)signal(SIGINT, stop);
    ssp_log_open(SSP_LOG_PLUGIN, "own-loop", false);
    if (ssp_env_read(&p.env, sizeof p.env, why, sizeof why) == 1)
        p.conf = ssp_conf_new(&http_upgrade, SSP_CLIENT, p.env.options, why, sizeof why);
    if (p.conf == NULL) {
        ssp_error("%s", why);
        return SSP_EXIT_CONFIG;
    }
    int listener = ssp_lifecycle_listen_fd();
    if (listener == -1)
        listener = open_socket(p.env.local_host, p.env.local_port, 1);
    if (listener == -1) {
        ssp_error("cannot listen on %s:%s", p.env.local_host, p.env.local_port);
        return SSP_EXIT_UNAVAIL;
    }
    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    (void)ssp_notify_ready(p.env.notify_fd);
    accept_all(&p, listener);
    stop(0); /* ends all threads, which use conf until then */
}
