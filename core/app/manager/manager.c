/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/manager.h"

#include "app/capture.h"
#include "app/manager/port.h"
#include "app/manager/state.h"
#include "app/manager/usage.h"
#include "app/traffic.h"
#include "conf/fields.h"
#include "manager/listing.h"
#include "manager/request.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = SS_CAPTURE_MAX + 8 };

static const uid_t NO_USER = (uid_t)-1;

/* ---- answers ---- */

static void answer(const struct ss_manager *m, const struct ss_asker *to, const char *text)
{
    ss_manager_socket_answer(m->socket, to, text, strlen(text));
}

/* The first three letters are what clients of shadowsocks-libev know. */
static void refuse(const struct ss_manager *m, const struct ss_asker *to, const char *why)
{
    char text[ANSWER_MAX];
    (void)snprintf(text, sizeof text, "err: %s", why);
    answer(m, to, text);
}

struct reply {
    const struct ss_manager *m;
    const struct ss_asker *to;
};

static void send_part(void *arg, const char *text, size_t len)
{
    const struct reply *reply = arg;
    ss_manager_socket_answer(reply->m->socket, reply->to, text, len);
}

static void list(const struct ss_manager *m, const struct ss_asker *to, bool bytes)
{
    struct reply reply = {m, to};
    struct ss_listing l;
    (bytes ? ss_listing_begin_bytes : ss_listing_begin_ports)(&l, send_part, &reply);
    for (unsigned i = 1; i < SS_PORTS; i++) {
        const struct ss_port *port = m->port[i];
        if (port == NULL || port->leaving)
            continue;
        if (bytes)
            ss_listing_bytes(&l, port->number, ss_port_bytes(port));
        else
            ss_listing_port(&l, port->number, port->now.password, port->now.method);
    }
    ss_listing_end(&l);
}

/* ---- requests ---- */

static void answer_add(struct ss_manager *m, uint16_t number, enum ss_port_verdict verdict,
                       const char *error, const struct ss_asker *to)
{
    switch (verdict) {
    case SS_PORT_SERVES:
        ss_state_drop_used(m->directory_fd, number);
        answer(m, to, "ok");
        break;
    case SS_PORT_WAITS:
        m->port[number]->asker = *to;
        break;
    case SS_PORT_TAKEN:
        ssp_error("port is not available, please check.");
        answer(m, to, "port is not available");
        break;
    case SS_PORT_REFUSED:
        refuse(m, to, error);
        break;
    }
}

static bool is_ours(const char *name, const char *own)
{
    return name == NULL || (own != NULL && strcmp(name, own) == 0);
}

/* A plugin runs as this user, which its options may make use of, and a list is read as this user: a
 * message may show a line of it.  Packets do not tell who sends them: any user of this machine. */
static bool may_name(const struct ss_manager *m, const struct ss_request *r)
{
    return ss_manager_socket_trusts(m->socket) ||
           (is_ours(r->plugin, m->conf->plugin) && is_ours(r->plugin_opts, m->conf->plugin_opts) &&
            is_ours(r->acl, m->conf->acl));
}

/* The asker that waits for a plugin goes on to wait when the new settings have changed nothing. */
static void end_wait(struct ss_port *port, enum ss_port_verdict verdict)
{
    bool changed = verdict == SS_PORT_SERVES || verdict == SS_PORT_WAITS || port->served == NULL;
    if (port->asker.at.len > 0 && changed)
        refuse(port->manager, &port->asker, "another request has replaced it");
    if (changed)
        port->asker.at.len = 0;
}

/* Panels expect "ok" for keys of their own. */
static void tell_unknown(const struct ss_request *r)
{
    for (unsigned i = 0; i < SS_UNKNOWN_MAX && *r->unknown[i] != '\0'; i++) {
        const struct ss_field *field = ss_field_suggest(r->unknown[i]);
        bool near = field != NULL && ss_request_takes(field->name);
        ssp_error("port %u: unknown key \"%s\" of add, ignored%s%s%s", r->port, r->unknown[i],
                  near ? " (did you mean \"" : "", near ? field->name : "", near ? "\"?)" : "");
    }
}

static void add(struct ss_manager *m, const struct ss_request *r, const struct ss_asker *to)
{
    struct ss_port *port = m->port[r->port];
    struct ss_capture capture;
    if (!may_name(m, r)) {
        refuse(m, to,
               "plugin, plugin_opts, acl: a request over UDP without a key may only name those of "
               "the configuration");
        return;
    }
    if (port != NULL && !port->waiting && port->served != NULL &&
        strcmp(port->now.settings, r->settings) == 0) {
        answer(m, to, "ok");
        return;
    }
    tell_unknown(r);
    ss_capture_begin(&capture, false);
    enum ss_port_verdict verdict = ss_port_put(m, r->port, r->settings, false);
    ss_capture_end();
    if (port != NULL)
        end_wait(port, verdict);
    else if (verdict == SS_PORT_REFUSED && m->conf->executable != NULL)
        (void)ss_state_drop(m->directory_fd, r->port); /* its process was to read the file */
    answer_add(m, r->port, verdict, capture.error, to);
}

static void settled(struct ss_port *port, bool serves)
{
    const struct ss_manager *m = port->manager;
    struct ss_asker to = port->asker;
    port->asker.at.len = 0;
    if (serves)
        ss_port_keep(port);
    if (to.at.len > 0 && serves) {
        ss_state_drop_used(m->directory_fd, port->number);
        answer(m, &to, "ok");
    }
    if (to.at.len > 0 && !serves)
        refuse(m, &to, "the plugin has failed; the log of ss-manager says why");
    if (port->served != NULL)
        return;
    ssp_error("port %u is closed: its plugin has failed; add it again", port->number);
    ss_port_free(port);
}

static void take_report(const struct ss_manager *m, const struct ss_request *r)
{
    if (m->port[r->port] != NULL && !m->port[r->port]->leaving)
        m->port[r->port]->reported = r->bytes;
}

static void carry_out(struct ss_manager *m, const struct ss_request *r, const struct ss_asker *to)
{
    switch (r->verb) {
    case SS_VERB_NONE:
        break;
    case SS_VERB_ADD:
        add(m, r, to);
        break;
    case SS_VERB_REMOVE:
        if (m->port[r->port] != NULL && !m->port[r->port]->leaving)
            ss_port_remove(m->port[r->port]);
        answer(m, to, "ok");
        break;
    case SS_VERB_LIST:
    case SS_VERB_PING:
        list(m, to, r->verb == SS_VERB_PING);
        break;
    case SS_VERB_STAT:
        take_report(m, r);
        break;
    }
}

static void asked(void *arg, const struct ss_asker *sender, char *bytes, size_t len)
{
    struct ss_request r;
    ss_request_read(&r, bytes, len);
    if (r.malformed && r.verb != SS_VERB_STAT)
        answer(arg, sender, "err");
    else if (!r.malformed)
        carry_out(arg, &r, sender);
    ss_request_release(&r);
}

/* ---- the start ---- */

/* The user that conf names, or the one that runs. */
static const struct passwd *owner(const struct ss_conf *conf)
{
    char *end = NULL;
    unsigned long id = conf->user != NULL ? strtoul(conf->user, &end, 10) : geteuid();
    if (conf->user != NULL && *end != '\0')
        return getpwnam(conf->user);
    return getpwuid((uid_t)id);
}

/* Fills in the defaults of shadowsocks-libev.  Returns 0, or -1 after a log line. */
static int choose_places(struct ss_manager *m)
{
    const struct ss_conf *c = m->conf;
    const struct passwd *user = getpwuid(geteuid());
    const char *home = user != NULL ? user->pw_dir : NULL;
    if (home == NULL && (c->manager_address == NULL || c->workdir == NULL)) {
        ssp_error("user %u has no home directory: --manager-address and -D are needed",
                  (unsigned)geteuid());
        return -1;
    }
    int rc = c->manager_address != NULL ? asprintf(&m->address, "%s", c->manager_address)
                                        : asprintf(&m->address, "%s/.ss-manager.socks", home);
    rc |= c->workdir != NULL ? asprintf(&m->directory, "%s", c->workdir)
                             : asprintf(&m->directory, "%s/.shadowsocks", home);
    if (rc < 0) {
        ssp_error("out of memory");
        return -1;
    }
    if (c->manager_address == NULL)
        ssp_info("using the default manager address: %s", m->address);
    ssp_info("working directory points to %s", m->directory);
    return 0;
}

static int open_places(struct ss_manager *m)
{
    const struct passwd *user = owner(m->conf);
    uid_t uid = m->owner = user != NULL ? user->pw_uid : geteuid();
    gid_t gid = user != NULL ? user->pw_gid : getegid();
    m->directory_fd = ss_state_open(m->directory);
    if (m->directory_fd == -1) {
        ssp_error("workdir %s: %s", m->directory, strerror(errno));
        return -1;
    }
    if (uid != geteuid() && fchown(m->directory_fd, uid, gid) == -1)
        ssp_error("workdir %s: user %u cannot have it: %s", m->directory, (unsigned)uid,
                  strerror(errno));
    if (m->conf->executable == NULL) {
        const char *salts = m->conf->state_dir != NULL ? m->conf->state_dir : m->directory;
        m->process.salts = ss_salts_new(salts, "salts");
    }
    m->socket = ss_manager_socket_open(&m->process.program,
                                       &(struct ss_manager_socket_conf){.address = m->address,
                                                                        .key = m->conf->manager_key,
                                                                        .owner = uid,
                                                                        .fn = asked,
                                                                        .arg = m});
    return m->socket != NULL ? 0 : -1;
}

static void open_port(struct ss_manager *m, uint16_t number, const char *settings, bool configured)
{
    enum ss_port_verdict verdict = ss_port_put(m, number, settings, configured);
    if (verdict == SS_PORT_TAKEN)
        ssp_error("port is not available, please check.");
    if (verdict == SS_PORT_TAKEN || verdict == SS_PORT_REFUSED)
        ssp_error("port %u is not served", number);
}

/* The configuration has precedence. */
static void restore_port(void *arg, uint16_t number, const char *text, size_t len)
{
    struct ss_manager *m = arg;
    struct ss_request r;
    if (m->port[number] != NULL)
        return;
    ss_request_settings_read(&r, text, len);
    if (r.malformed || r.port != number)
        ssp_error("%s/.shadowsocks_%u.conf is not a port (remove it)", m->directory, number);
    else
        open_port(m, number, r.settings, false);
    ss_request_release(&r);
}

static void open_ports(struct ss_manager *m)
{
    for (size_t i = 0; i < m->conf->port_count; i++) {
        const struct ss_port_password *p = &m->conf->ports[i];
        char *settings = ss_request_settings(p->port, p->password);
        if (settings != NULL)
            open_port(m, p->port, settings, true);
        ss_secret_free(settings);
    }
    ss_state_load(m->directory_fd, m->owner != geteuid() ? m->owner : NO_USER, restore_port, m);
}

/* The ports that requests have added since: root does not run a plugin that the user names. */
static void open_ports_of_user(struct ss_manager *m, uid_t before)
{
    if (geteuid() != before)
        ss_state_load(m->directory_fd, before, restore_port, m);
}

static void children_changed(void *arg)
{
    struct ss_manager *m = arg;
    ss_children_reap(m);
    for (unsigned i = 0; i < SS_PORTS; i++) {
        if (m->port[i] != NULL && m->port[i]->leaving && m->port[i]->child.pid == 0)
            ss_port_free(m->port[i]);
    }
}

static void visit_instances(void *of, ss_instance_visit_fn *visit, void *arg)
{
    const struct ss_manager *m = of;
    for (unsigned i = 0; i < SS_PORTS; i++) {
        const struct ss_instance *instance =
            m->port[i] != NULL ? ss_port_instance(m->port[i]) : NULL;
        if (instance != NULL)
            visit(arg, instance);
    }
}

static void log_instance(void *arg, const struct ss_instance *instance)
{
    (void)arg;
    ss_traffic_log(instance);
}

static void log_traffic(void *arg)
{
    visit_instances(arg, log_instance, NULL);
}

static void add_instance(void *arg, const struct ss_instance *instance)
{
    ss_traffic_add(arg, instance);
}

static void tell_status(void *arg, char text[SS_STATUS_MAX])
{
    const struct ss_manager *m = arg;
    struct ss_traffic_sum sum = {.ports = 0};
    visit_instances(arg, add_instance, &sum);
    sum.ports = 0;
    for (unsigned i = 0; i < SS_PORTS; i++)
        sum.ports += m->port[i] != NULL;
    ss_traffic_describe(&sum, text);
}

/* Other processes have counters of their own. */
static int open_metrics(struct ss_manager *m)
{
    if (m->conf->metrics != NULL && m->conf->executable != NULL) {
        ssp_error(
            "metrics and executable are set, but the ports of other processes have no metrics "
            "here; remove one of them");
        return -1;
    }
    return ss_metrics_open(&m->metrics, &m->process, SS_MANAGER, m->conf,
                           (struct ss_instances){visit_instances, m});
}

static int begin(struct ss_manager *m)
{
    if (ss_process_open(&m->process, SS_MANAGER, m->conf) == -1 || choose_places(m) == -1)
        return -1;
    m->process.heartbeat.status = tell_status;
    m->process.heartbeat.arg = m;
    ss_process_join(&m->process); /* it goes on without a server */
    if (open_places(m) == -1)
        return -1;
    if (m->conf->executable != NULL &&
        ssp__program_on_signal(&m->process.program, SIGCHLD, children_changed, m) == -1)
        return -1;
    if (ssp__program_on_signal(&m->process.program, SIGUSR1, log_traffic, m) == -1)
        return -1;
    if (open_metrics(m) == -1)
        return -1;
    uid_t before = geteuid();
    if (m->conf->executable == NULL) /* low ports need root */
        open_ports(m);
    if (ss_process_drop_privileges(m->conf, SS_MANAGER) == -1)
        return -1;
    if (m->conf->executable != NULL)
        open_ports(m);
    else
        open_ports_of_user(m, before);
    ss_usage_begin(m);
    ss_process_started(&m->process);
    ss_process_ready(&m->process);
    return 0;
}

static void end(struct ss_manager *m)
{
    ss_children_stop(m);
    ss_usage_end(m);
    for (unsigned i = 0; i < SS_PORTS; i++) {
        if (m->port[i] != NULL)
            ss_port_free(m->port[i]);
    }
    ss_metrics_close(&m->metrics);
    ss_manager_socket_close(m->socket);
    if (m->directory_fd != -1)
        (void)close(m->directory_fd);
    free(m->directory);
    free(m->address);
    ss_process_close(&m->process);
}

int ss_manager_serve(struct ss_conf *conf)
{
    struct ss_manager *m = calloc(1, sizeof *m);
    if (m == NULL)
        return SS_EXIT_FATAL;
    m->conf = conf;
    m->directory_fd = -1;
    m->settled = settled;
    int status = begin(m) == 0 ? ss_process_run(&m->process) : SS_EXIT_FATAL;
    end(m);
    free(m);
    return status;
}
