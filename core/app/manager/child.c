/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/child.h"

#include "app/manager/port.h"
#include "app/manager/state.h"
#include "conf/fields.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    GRACE_MS = 5000, /* between SIGTERM and SIGKILL */
    PAUSE_MIN_MS = 1000,
    PAUSE_MAX_MS = 60000,
    STABLE_MS = 60000, /* a process that ran for longer is started again soon */
    WORDS_MAX = 64,    /* those of all options and servers, and the end */
    NUMBER_MAX = 12,
    STEP_MS = 5
};

/* ---- its command line ---- */

struct command {
    char *word[WORDS_MAX];
    unsigned words;
    char file[PATH_MAX], number[4][NUMBER_MAX], host[SS_SERVERS_MAX][SSP_HOST_MAX];
    unsigned numbers;
};

/* The words are only read. */
static void add(struct command *c, const char *option, const char *value)
{
    c->word[c->words++] = (char *)(uintptr_t)option;
    if (value != NULL)
        c->word[c->words++] = (char *)(uintptr_t)value;
}

static void add_text(struct command *c, const char *option, const char *value)
{
    if (value != NULL)
        add(c, option, value);
}

static void add_switch(struct command *c, const char *option, bool on)
{
    if (on)
        add(c, option, NULL);
}

static void add_number(struct command *c, const char *option, unsigned value)
{
    char *text = c->number[c->numbers++];
    if (value == 0)
        return;
    (void)snprintf(text, NUMBER_MAX, "%u", value);
    add(c, option, text);
}

/* The options of a plugin are secret: those of a request are in the file only. */
static void add_plugin(struct command *c, const struct ss_conf *manager, const struct ss_conf *conf)
{
    if (manager->plugin == NULL || conf->plugin == NULL ||
        strcmp(manager->plugin, conf->plugin) != 0)
        return;
    add(c, "--plugin", conf->plugin);
    if (manager->plugin_opts != NULL && conf->plugin_opts != NULL &&
        strcmp(manager->plugin_opts, conf->plugin_opts) == 0)
        add(c, "--plugin-opts", conf->plugin_opts);
}

/* As the ss-manager of shadowsocks-libev runs it, but in the foreground. */
static void compose(struct command *c, const struct ss_port *port)
{
    const struct ss_manager *m = port->manager;
    const struct ss_conf *conf = port->child.conf;
    char name[SS_STATE_NAME_MAX];
    *c = (struct command){.words = 0};
    ss_state_name(name, port->number, port->configured);
    (void)snprintf(c->file, sizeof c->file, "%s/%s", m->directory, name);
    add(c, m->conf->executable, NULL);
    add(c, "--manager-address", m->address);
    add(c, "-c", c->file);
    add(c, "-m", conf->method);
    add_text(c, "--acl", conf->acl);
    if (ss_field_given(m->conf, "outbound"))
        add(c, "--outbound", ss_outbound_name(m->conf->outbound));
    add_number(c, "-t", conf->timeout_s);
    add_number(c, "-n", m->conf->nofile);
    add_switch(c, "-v", m->conf->verbose);
    add_switch(c, "-u", conf->mode == SSP_TCP_AND_UDP);
    add_switch(c, "-U", conf->mode == SSP_UDP_ONLY);
    add_text(c, "-i", conf->interface);
    add_switch(c, "--fast-open", conf->fast_open);
    add_switch(c, "--reuse-port", conf->reuse_port);
    add_switch(c, "--no-delay", conf->no_delay);
    add_switch(c, "-6", conf->ipv6_first);
    add_switch(c, "--proxy-protocol", conf->proxy_protocol);
    add_text(c, "--proxy-protocol-from", conf->proxy_protocol_from);
    add_number(c, "--mtu", conf->mtu);
    add_plugin(c, m->conf, conf);
    add_text(c, "-d", m->conf->nameserver);
    add_text(c, "-b", conf->local_ipv4_address);
    add_text(c, "-b", conf->local_ipv6_address);
    for (unsigned i = 0; i < conf->servers; i++)
        add(c, "-s", ssp__endpoint_host(&conf->server[i], c->host[i]));
}

/* ---- its start ---- */

_Noreturn static void become(const struct command *c, pid_t parent, int error_fd)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    (void)unsetenv("NOTIFY_SOCKET"); /* the manager tells when it is ready */
    if (getppid() == parent)
        (void)execvp(c->word[0], c->word);
    int error = errno;
    _exit(write(error_fd, &error, sizeof error) == -1 ? 126 : 127);
}

/* Returns the pid, or -1 with errno: that of exec, too. */
static pid_t launch(const struct command *c)
{
    int report[2], error = 0;
    if (pipe2(report, O_CLOEXEC) == -1)
        return -1;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(c, parent, report[1]);
    error = errno;
    (void)close(report[1]);
    ssize_t n = 0;
    while (pid > 0 && (n = read(report[0], &error, sizeof error)) == -1 && errno == EINTR)
        continue;
    if (n == (ssize_t)sizeof error) {
        while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
            continue;
        pid = -1;
    }
    (void)close(report[0]);
    errno = error;
    return pid;
}

static int start(struct ss_port *port)
{
    struct command c;
    compose(&c, port);
    port->child.pid = launch(&c);
    port->child.started_ms = ssp__loop_now_ms(port->manager->process.program.loop);
    port->reported = 0;
    if (port->child.pid > 0)
        return 0;
    port->child.pid = 0;
    ssp_error("port %u: cannot run %s: %s", port->number, c.word[0], strerror(errno));
    return -1;
}

/* ---- its life ---- */

static void start_again(void *arg)
{
    struct ss_port *port = arg;
    if (start(port) == -1)
        ssp__timer_start(port->manager->process.program.loop, &port->child.timer,
                         port->child.pause_ms);
}

static void kill_it(void *arg)
{
    const struct ss_port *port = arg;
    if (port->child.pid > 0)
        (void)kill(port->child.pid, SIGKILL);
}

int ss_child_run(struct ss_port *port, const struct ss_conf *conf)
{
    struct ss_child *child = &port->child;
    child->conf = conf;
    ssp__timer_stop(&child->timer);
    child->pause_ms = PAUSE_MIN_MS;
    child->timer.arg = port;
    child->timer.fire = start_again;
    if (child->pid == 0 && start(port) == 0)
        return 0;
    if (child->pid == 0) {
        ssp__timer_start(port->manager->process.program.loop, &child->timer, child->pause_ms);
        return -1;
    }
    child->stopping = true;
    child->timer.fire = kill_it;
    (void)kill(child->pid, SIGTERM);
    ssp__timer_start(port->manager->process.program.loop, &child->timer, GRACE_MS);
    return 0;
}

void ss_child_leave(struct ss_port *port)
{
    struct ss_child *child = &port->child;
    child->conf = NULL;
    child->stopping = false;
    child->timer.fire = kill_it;
    (void)kill(child->pid, SIGTERM);
    ssp__timer_start(port->manager->process.program.loop, &child->timer, GRACE_MS);
}

static void log_end(const struct ss_port *port, int status)
{
    if (WIFSIGNALED(status))
        ssp_error("port %u: its server was killed by signal %d; starting it again in %u s",
                  port->number, WTERMSIG(status), port->child.pause_ms / 1000);
    else
        ssp_error("port %u: its server ended with status %d; starting it again in %u s",
                  port->number, WEXITSTATUS(status), port->child.pause_ms / 1000);
}

static void ended(struct ss_port *port, int status)
{
    ssp_loop *loop = port->manager->process.program.loop;
    struct ss_child *child = &port->child;
    bool stable = ssp__loop_now_ms(loop) - child->started_ms >= STABLE_MS;
    child->pid = 0;
    ssp__timer_stop(&child->timer);
    child->timer.fire = start_again;
    if (port->leaving)
        return;
    if (child->stopping) {
        child->stopping = false;
        start_again(port);
        return;
    }
    child->pause_ms = stable ? PAUSE_MIN_MS : child->pause_ms;
    log_end(port, status);
    ssp__timer_start(loop, &child->timer, child->pause_ms);
    child->pause_ms = 2 * child->pause_ms < PAUSE_MAX_MS ? 2 * child->pause_ms : PAUSE_MAX_MS;
}

void ss_children_reap(struct ss_manager *m)
{
    for (unsigned i = 0; i < SS_PORTS; i++) {
        struct ss_port *port = m->port[i];
        int status;
        if (port != NULL && port->child.pid > 0 &&
            waitpid(port->child.pid, &status, WNOHANG) == port->child.pid)
            ended(port, status);
    }
}

void ss_children_stop(const struct ss_manager *m)
{
    for (unsigned i = 0; i < SS_PORTS; i++) {
        if (m->port[i] != NULL && m->port[i]->child.pid > 0)
            (void)kill(m->port[i]->child.pid, SIGTERM);
    }
}

void ss_child_end(struct ss_child *child)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    ssp__timer_stop(&child->timer);
    if (child->pid == 0)
        return;
    (void)kill(child->pid, SIGTERM);
    for (int waited = 0; waitpid(child->pid, NULL, WNOHANG) == 0; waited += STEP_MS) {
        if (waited >= GRACE_MS)
            (void)kill(child->pid, SIGKILL);
        (void)nanosleep(&step, NULL);
    }
    child->pid = 0;
}
