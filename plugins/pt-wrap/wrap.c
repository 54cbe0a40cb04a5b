/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/wrap.h"

#include "pt-wrap/discreet.h"
#include "pt-wrap/environment.h"
#include "pt-wrap/messages.h"
#include "pt-wrap/parts.h"

#include <ssplugin/drive.h>
#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>
#include <ssplugin/supervise.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 1024, STATUS_MAX = 256, PART_READY_MS = 5000, LATE_MAX = 48, BY_SIGNAL = 128 };

static const char loopback[] = "127.0.0.1";

struct run {
    const struct pt_request *request;
    ssp_unit *unit;
    struct pt_messages messages;
    struct pt_discreet_log log;
    struct pt_state state;
    char self[PT_PATH_MAX];
    char **environment; /* of the transport program */
    char *part_options; /* of the part inside this program */
    char cookie_path[PT_PATH_MAX];
    int transport, part; /* numbers of the members; -1: not there */
};

static const char *file_name(const struct pt_request *w)
{
    return strrchr(w->program, '/') + 1;
}

static void fail(struct run *r, int status, const char *why)
{
    ssp_error("%s", why);
    ssp_unit_stop(r->unit, status);
}

static int add(struct run *r, const ssp_host_conf *conf)
{
    int member = ssp_unit_add(r->unit, conf);
    if (member == -1)
        fail(r, SSP_EXIT_OS, "out of memory");
    return member;
}

/* ---- the transport program ---- */

static void tell_clients(struct run *r)
{
    char path[PT_PATH_MAX], why[WHY_MAX];
    char *options = pt_args_client_options(&r->messages.args, r->request->transport);
    if (options == NULL) {
        fail(r, SSP_EXIT_OS, "out of memory");
        return;
    }
    size_t len = strlen(options);
    (void)ssp_notify(r->request->env->notify_fd, "CLIENT-OPTIONS", options);
    if (pt_state_write(&r->state, "client-options", options, len, path, why, sizeof why) == 0)
        ssp_info("the options for clients are in %s (%zu bytes, not logged)", path, len);
    else
        ssp_error("%s: clients need the arguments that the transport has generated", why);
    pt_args_forget(options);
}

static void offered(struct run *r)
{
    const struct pt_messages *messages = &r->messages;
    char why[WHY_MAX];
    if (r->request->role == SSP_SERVER && messages->place.port != r->request->listen.port) {
        (void)snprintf(why, sizeof why, "the transport program listens on port %u, not on %u",
                       messages->place.port, r->request->listen.port);
        fail(r, SSP_EXIT_CONFIG, why);
        return;
    }
    if (r->request->role == SSP_SERVER)
        tell_clients(r);
    pt_state_remove(&r->state); /* now, so that a later SIGKILL leaves no file behind */
    ssp_host_declare_ready(ssp_unit_host(r->unit, (unsigned)r->transport));
}

static void line(void *arg, const char *text)
{
    struct run *r = arg;
    pt_discreet_heard(&r->log, strlen(text) >= PT_MESSAGES_PIECE);
    enum pt_progress before = r->messages.progress, now = pt_messages_read(&r->messages, text);
    if (now == before)
        return;
    if (now == PT_REFUSED)
        fail(r, r->messages.status, r->messages.why);
    else if (now == PT_READY)
        offered(r);
}

/* A death before it is ready is a configuration error; after that another start may help. */
static void transport_died(void *arg, const char *why)
{
    struct run *r = arg;
    int exited = ssp_host_exit_status(ssp_unit_host(r->unit, (unsigned)r->transport));
    char late[LATE_MAX];
    (void)why; /* the unit has logged it */
    if (r->messages.progress == PT_REFUSED)
        return;
    if (r->messages.progress == PT_READY) {
        ssp_unit_stop(r->unit, exited > BY_SIGNAL || exited == 0 ? SSP_EXIT_BUG : SSP_EXIT_OS);
        return;
    }
    (void)snprintf(late, sizeof late, "was not ready within %u s", r->request->start_s);
    pt_messages_give_up(&r->messages, exited > BY_SIGNAL ? SSP_EXIT_BUG : SSP_EXIT_CONFIG,
                        exited == -1 ? late : "ended");
    fail(r, r->messages.status, r->messages.why);
}

static void add_socks(void *arg);

static void add_transport(struct run *r, const struct pt_orport_door *door)
{
    const struct pt_request *w = r->request;
    bool client = w->role == SSP_CLIENT;
    r->environment = pt_environment(w, r->state.path, door);
    if (r->environment == NULL) {
        fail(r, SSP_EXIT_OS, "out of memory");
        return;
    }
    const ssp_host_conf conf = {.size = sizeof conf,
                                .plugin = w->program,
                                .role = w->role,
                                .remote_host = client ? w->remote : w->listen.ip,
                                .remote_port = (uint16_t)ssp_port_parse(w->env->remote_port),
                                .local_host = client ? w->env->local_host : w->dial.ip,
                                .local_port = (uint16_t)ssp_port_parse(w->env->local_port),
                                .ready_ms = w->start_s * 1000,
                                .grace_ms = SSP_UNIT_GRACE_MS,
                                .argv = (const char *const *)w->words.word + 1,
                                .variables = (const char *const *)r->environment,
                                .ready = SSP_READY_SAID,
                                .on_ready = client ? add_socks : NULL,
                                .on_death = transport_died,
                                .on_line = line,
                                .arg = r};
    r->transport = add(r, &conf);
}

/* ---- our own parts ---- */

static int add_part(struct run *r, ssp_host_conf *conf, const char *const *argv)
{
    if (r->part_options == NULL) {
        fail(r, SSP_EXIT_OS, "out of memory");
        return -1;
    }
    conf->size = sizeof *conf;
    conf->plugin = r->self;
    conf->role = SSP_CLIENT;
    conf->options = r->part_options;
    conf->argv = argv;
    conf->ready_ms = PART_READY_MS;
    conf->grace_ms = SSP_UNIT_GRACE_MS;
    return add(r, conf);
}

static void add_socks(void *arg)
{
    static const char *const argv[] = {PT_PART_SOCKS, NULL};
    struct run *r = arg;
    const ssp_env *env = r->request->env;
    ssp_host_conf conf = {.remote_host = r->messages.place.ip,
                          .remote_port = r->messages.place.port,
                          .local_host = env->local_host,
                          .local_port = (uint16_t)ssp_port_parse(env->local_port)};
    r->part_options = pt_part_socks_options(r->request, r->messages.socks4);
    r->part = add_part(r, &conf, argv);
}

static void door_is_open(void *arg)
{
    struct run *r = arg;
    struct pt_place place = {.port = ssp_host_port(ssp_unit_host(r->unit, (unsigned)r->part))};
    char at[PT_PLACE_MAX];
    memcpy(place.ip, loopback, sizeof loopback);
    pt_place_format(at, &place);
    add_transport(r, &(struct pt_orport_door){.at = at, .cookie = r->cookie_path});
}

static void add_orport(struct run *r)
{
    static const char *const argv[] = {PT_PART_ORPORT, NULL};
    const struct pt_request *w = r->request;
    const ssp_world *world = ssp_world_real();
    uint8_t file[PT_COOKIE_FILE];
    char why[WHY_MAX];
    ssp_host_conf conf = {.remote_host = w->dial.ip,
                          .remote_port = w->dial.port,
                          .local_host = loopback,
                          .on_ready = door_is_open,
                          .arg = r};
    memcpy(file, pt_cookie_head, PT_COOKIE_HEAD);
    world->random(world->arg, file + PT_COOKIE_HEAD, PT_COOKIE);
    r->part_options = pt_part_orport_options(w, file + PT_COOKIE_HEAD);
    if (pt_state_write(&r->state, "ext-orport-cookie", file, sizeof file, r->cookie_path, why,
                       sizeof why) == -1)
        fail(r, SSP_EXIT_OS, why);
    else
        r->part = add_part(r, &conf, argv);
    explicit_bzero(file, sizeof file);
}

/* ---- all of it ---- */

static void describe(const struct pt_request *w, char *text, size_t cap)
{
    char listen[PT_PLACE_MAX], dial[PT_PLACE_MAX];
    const char *name = file_name(w);
    if (w->role == SSP_CLIENT) {
        (void)snprintf(text, cap, "client at %.60s port %s, by %s of %.40s to %.80s port %s",
                       w->env->local_host, w->env->local_port, w->transport, name,
                       w->env->remote_host, w->env->remote_port);
        return;
    }
    pt_place_format(listen, &w->listen);
    pt_place_format(dial, &w->dial);
    (void)snprintf(text, cap, "server at %s, by %s of %.40s to %s", listen, w->transport, name,
                   dial);
}

static int start(struct run *r, char *why, size_t cap)
{
    char *self = realpath("/proc/self/exe", NULL);
    (void)snprintf(r->self, sizeof r->self, "%s", self != NULL ? self : "");
    free(self);
    if (r->self[0] == '\0') {
        (void)snprintf(why, cap, "cannot find the program's own file: /proc is not mounted");
        return SSP_EXIT_OS;
    }
    if (pt_state_open(&r->state, r->request->state, why, cap) == -1)
        return SSP_EXIT_CONFIG;
    r->unit = ssp_unit_new(r->request->env);
    if (r->unit != NULL)
        return 0;
    (void)snprintf(why, cap, "no event loop: out of memory or descriptors");
    return SSP_EXIT_OS;
}

static int serve(struct run *r)
{
    const struct pt_request *w = r->request;
    char status[STATUS_MAX];
    describe(w, status, sizeof status);
    pt_messages_begin(&r->messages, w->role, w->transport, w->proxy != NULL);
    if (w->ext_orport)
        add_orport(r);
    else
        add_transport(r, &(struct pt_orport_door){.at = NULL});
    if (r->transport == -1 && r->part == -1)
        return SSP_EXIT_OS; /* the log has the reason */
    return ssp_unit_run(r->unit, status);
}

int pt_wrap_run(const struct pt_request *request)
{
    char why[WHY_MAX];
    struct run r = {.request = request, .transport = -1, .part = -1};
    pt_discreet_begin(&r.log, file_name(request));
    int status = start(&r, why, sizeof why);
    if (status != 0)
        ssp_error("%s", why);
    else
        status = serve(&r);
    pt_state_remove(&r.state); /* before the transport has ended: a host may kill us meanwhile */
    ssp_unit_free(r.unit);
    pt_messages_end(&r.messages);
    pt_environment_free(r.environment);
    pt_args_forget(r.part_options);
    if (r.cookie_path[0] != '\0')
        (void)remove(r.cookie_path);
    pt_state_remove(&r.state);
    pt_discreet_end();
    return status;
}
