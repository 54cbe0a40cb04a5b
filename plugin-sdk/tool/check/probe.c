/* SPDX-License-Identifier: Apache-2.0 */
#include "check/probe.h"

#include "base/retry.h"
#include "check/scene.h"

#include <ssplugin/env.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 16384, LINGER_MS = 1000, FOREVER_MS = 1000000, LINE = 128 };

static const char *const kinds[] = {
    [PROBE_SOUND] = "",         [PROBE_LATE] = "-late",       [PROBE_MUTE] = "-mute",
    [PROBE_DIES] = "-dies",     [PROBE_REFUSES] = "-refuses", [PROBE_STUBBORN] = "-stubborn",
    [PROBE_FAMILY] = "-family", [PROBE_LOUD] = "-loud",
};

const char *probe_file(struct probe_name name, char *text, size_t cap)
{
    const char *role = name.role == SSP_SERVER ? "server" : "client";
    (void)snprintf(text, cap, PROBE_NAME "-%s%s", role, kinds[name.kind]);
    return text;
}

/* By the file, since argv[0] is up to the host. */
bool probe_called(struct probe_name *name)
{
    const char *path = (const char *)(uintptr_t)getauxval(AT_EXECFN); /* NOLINT */
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *file = slash != NULL ? slash + 1 : path;
    char text[NAME_MAX];
    for (int role = SSP_CLIENT; file != NULL && role <= SSP_SERVER; role++) {
        for (int kind = PROBE_SOUND; kind < PROBE_KINDS; kind++) {
            *name = (struct probe_name){(ssp_role)role, (enum probe_kind)kind};
            if (strcmp(file, probe_file(*name, text, sizeof text)) == 0)
                return true;
        }
    }
    return false;
}

/* ---- what it carries ---- */

struct probe {
    struct watch listener; /* first */
    struct scene scene;
    struct ssp__address near, far;
    unsigned accepted, dialed;
};

struct tunnel {
    struct watch side[2]; /* first */
    struct probe *probe;
};

static void tell(const struct probe *p)
{
    char name[32];
    (void)snprintf(name, sizeof name, PROBE_NAME " %u/%u", p->accepted, p->dialed);
    (void)prctl(PR_SET_NAME, name);
}

/* The little that checks send fits into the buffers of a socket: what does not ends the tunnel. */
static void pass(struct tunnel *t, unsigned from)
{
    char bytes[PIECE];
    struct scene *scene = &t->probe->scene;
    ssize_t n = ssp__recv(t->side[from].fd, bytes, sizeof bytes, 0);
    if (n == -1 && errno == EAGAIN)
        return;
    if (n > 0 && ssp__send(t->side[1 - from].fd, bytes, (size_t)n, MSG_NOSIGNAL) == n)
        return;
    scene_remove(scene, &t->side[0]);
    scene_remove(scene, &t->side[1]);
    free(t);
}

static void act_near(struct watch *watch, short revents)
{
    (void)revents;
    pass((struct tunnel *)(void *)watch, 0);
}

static void act_far(struct watch *watch, short revents)
{
    (void)revents;
    pass((struct tunnel *)(void *)(watch - 1), 1);
}

/* Dials as soon as a connection comes, as many plugins do. */
static void welcome(struct probe *p, int near)
{
    int far = socket(p->far.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool dialed = far != -1 && connect(far, &p->far.u.any, p->far.len) == 0;
    p->accepted++;
    p->dialed += dialed;
    tell(p);
    if (!dialed) {
        (void)close(near);
        if (far != -1)
            (void)close(far);
        return;
    }
    (void)fcntl(far, F_SETFL, O_NONBLOCK);
    struct tunnel *t = must_alloc(1, sizeof *t);
    *t = (struct tunnel){.side = {{.fd = near, .events = POLLIN, .due_us = NEVER, .act = act_near},
                                  {.fd = far, .events = POLLIN, .due_us = NEVER, .act = act_far}},
                         .probe = p};
    scene_add(&p->scene, &t->side[0]);
    scene_add(&p->scene, &t->side[1]);
}

static void act_listener(struct watch *watch, short revents)
{
    struct probe *p = (struct probe *)(void *)watch;
    int near = scene_accept(watch->fd);
    (void)revents;
    if (near != -1)
        welcome(p, near);
}

/* ---- its life ---- */

static void wait_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void go_on(int number)
{
    (void)number; /* it has interrupted a wait */
}

/* Stays until it was seen, or its host loses patience. */
static void leave(int number)
{
    (void)number;
    (void)signal(SIGUSR1, go_on);
    (void)prctl(PR_SET_NAME, PROBE_NAME " TERM");
    wait_ms(LINGER_MS);
    _exit(0);
}

/* Its checks see it first, and say when. */
static void die(int number)
{
    (void)number;
    _exit(1);
}

static void refuse(int number)
{
    static const char why[] = PROBE_NAME ": these options are not for it\n";
    (void)number;
    (void)!write(STDERR_FILENO, why, sizeof why - 1);
    _exit(SSP_EXIT_CONFIG);
}

_Noreturn static void stay(void)
{
    for (;;)
        (void)pause();
}

/* With wrong addresses it stays to be looked at. */
static void read_address(struct ssp__address *a, const char *host, const char *port)
{
    const char *h = getenv(host), *p = getenv(port);
    int number = p != NULL ? ssp_port_parse(p) : -1;
    if (h == NULL || number == -1 || ssp__address_parse(a, h, (uint16_t)number) == -1)
        stay();
}

static void listen_there(struct probe *p)
{
    int fd = scene_listen_at(&p->near, SOCK_STREAM);
    if (fd == -1) {
        fprintf(stderr, PROBE_NAME ": listen: %s\n", strerror(errno));
        _exit(SSP_EXIT_UNAVAIL);
    }
    p->listener = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = act_listener};
    scene_add(&p->scene, &p->listener);
}

static void print_much(void)
{
    char line[LINE];
    memset(line, '.', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int left = PROBE_LOUD_BYTES; left > 0; left -= LINE)
        (void)!write(left % (2 * LINE) == 0 ? STDOUT_FILENO : STDERR_FILENO, line, sizeof line);
}

static void start_a_program(void)
{
    if (fork() != 0)
        return;
    (void)prctl(PR_SET_NAME, "ss-child");
    (void)signal(SIGTERM, SIG_DFL);
    stay();
}

/* Before it listens. */
static void misbehave(enum probe_kind kind)
{
    if (kind == PROBE_MUTE || kind == PROBE_REFUSES)
        stay();
    if (kind == PROBE_LATE)
        (void)pause();
    if (kind == PROBE_FAMILY)
        start_a_program();
    if (kind == PROBE_LOUD)
        print_much();
}

void probe_run(struct probe_name name)
{
    struct probe *p = must_alloc(1, sizeof *p);
    bool server = name.role == SSP_SERVER;
    (void)signal(SIGTERM, name.kind == PROBE_STUBBORN ? SIG_IGN : leave);
    (void)signal(SIGUSR1, name.kind == PROBE_DIES      ? die
                          : name.kind == PROBE_REFUSES ? refuse
                                                       : go_on);
    tell(p); /* from now on it is seen */
    misbehave(name.kind);
    read_address(&p->near, server ? "SS_REMOTE_HOST" : "SS_LOCAL_HOST",
                 server ? "SS_REMOTE_PORT" : "SS_LOCAL_PORT");
    read_address(&p->far, server ? "SS_LOCAL_HOST" : "SS_REMOTE_HOST",
                 server ? "SS_LOCAL_PORT" : "SS_REMOTE_PORT");
    scene_open(&p->scene);
    listen_there(p);
    for (;;)
        (void)scene_run(&p->scene, FOREVER_MS, NULL, NULL);
}
