/* SPDX-License-Identifier: Apache-2.0 */
#include "app/metrics.h"

#include "app/access_log.h"
#include "app/store.h"
#include "app/traffic.h"
#include "app/upstreams.h"
#include "conf/fields.h"
#include "http/exposition.h"
#include "http/pages_front.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    GREET_MS = 60000, /* with a long answer to a slow reader */
    IDLE_MS = 60000,
    LINGER_MS = 10000,
    WHY_MAX = 512,
    USERS_MAX = 10000, /* with samples of their own, of one process */
    PORT_TEXT = 8
};

#define COUNTER(member) offsetof(struct ssp__counters, member)

/* A family is a run of rows of one name. */
struct row {
    const char *name, *help;
    struct ss_label label;
    size_t counter;
};

static const struct row of_ports[] = {
    {"shadowplug_connections_total", "Connections of clients.", {NULL, NULL}, COUNTER(accepted)},
    {"shadowplug_failures_total",
     "Connections and packets that did not authenticate, and connections that reached no target.",
     {"reason", "authentication"},
     COUNTER(foreign)},
    {"shadowplug_failures_total", NULL, {"reason", "target"}, COUNTER(failed)},
    {"shadowplug_bytes_total",
     "Bytes of the plain side, over TCP and UDP.",
     {"direction", "up"},
     COUNTER(bytes_up)},
    {"shadowplug_bytes_total", NULL, {"direction", "down"}, COUNTER(bytes_down)},
    {"shadowplug_packets_total", "Packets of UDP.", {"direction", "up"}, COUNTER(packets_up)},
    {"shadowplug_packets_total", NULL, {"direction", "down"}, COUNTER(packets_down)},
};

static const struct row of_users[] = {
    {"shadowplug_user_connections_total",
     "Connections of a user; one that was never there has no sample.",
     {NULL, NULL},
     COUNTER(accepted)},
    {"shadowplug_user_bytes_total",
     "Bytes of a user's plain side, over TCP and UDP.",
     {"direction", "up"},
     COUNTER(bytes_up)},
    {"shadowplug_user_bytes_total", NULL, {"direction", "down"}, COUNTER(bytes_down)},
};

struct plugin_row;

/* A family under way. */
struct scrape {
    const struct ss_metrics *metrics;
    FILE *out;
    const struct row *row;
    const struct plugin_row *plugin_row;
    const char *family; /* of servers, and of one sample for each port */
    uint64_t (*value)(const struct ss_upstream *upstream);
    char port[PORT_TEXT]; /* of the instance at hand */
    unsigned users;
};

static void each(struct scrape *s, ss_instance_visit_fn *visit)
{
    s->metrics->instances.each(s->metrics->instances.of, visit, s);
}

static uint64_t counter(const struct ssp__counters *c, const struct row *row)
{
    return *(const uint64_t *)(const void *)((const char *)c + row->counter);
}

static void name_port(struct scrape *s, const struct ss_instance *instance)
{
    (void)snprintf(s->port, sizeof s->port, "%u", ss_traffic_port(instance));
}

static void put_counter(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    struct ssp__counters c = ss_traffic_of(instance);
    name_port(s, instance);
    struct ss_label label[] = {{"port", s->port}, s->row->label};
    ss_exposition_sample(s->out, s->row->name, label, 2, counter(&c, s->row));
}

static void put_user(void *arg, const char *name, const struct ssp__counters *c)
{
    struct scrape *s = arg;
    struct ss_label label[] = {{"port", s->port}, {"user", name}, s->row->label};
    bool silent = c->accepted == 0 && c->bytes_up == 0 && c->bytes_down == 0;
    if (!silent && s->users++ < USERS_MAX)
        ss_exposition_sample(s->out, s->row->name, label, 3, counter(c, s->row));
}

static void put_users(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    name_port(s, instance);
    ss_traffic_each_user(instance, put_user, s);
}

static void put_live(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    name_port(s, instance);
    struct ss_label label[] = {{"port", s->port}};
    ss_exposition_sample(s->out, "shadowplug_connections", label, 1,
                         ssp__instance_live(&instance->relay));
}

static void put_workers(const struct scrape *s)
{
    const struct ssp__program *program = s->metrics->relay.program;
    if (program->crew == NULL)
        return;
    ss_exposition_family(s->out, "shadowplug_worker_connections", "gauge",
                         "Connections of a worker now, those to the metrics included.");
    for (unsigned i = 0; i <= ssp__crew_others(program->crew); i++) {
        char number[PORT_TEXT];
        (void)snprintf(number, sizeof number, "%u", i);
        struct ss_label label[] = {{"worker", number}};
        ss_exposition_sample(s->out, "shadowplug_worker_connections", label, 1,
                             ssp__crew_load(program, i));
    }
}

static void put_associations(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    name_port(s, instance);
    struct ss_label label[] = {{"port", s->port}};
    if (instance->udp != NULL)
        ss_exposition_sample(s->out, s->family, label, 1, ssp__udp_live(instance->udp));
}

static void put_replays(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    name_port(s, instance);
    struct ss_label label[] = {{"port", s->port}};
    if (instance->keys != NULL)
        ss_exposition_sample(s->out, s->family, label, 1, ss_keys_repeats(&instance->keys->keys));
}

/* ---- the servers of a client ---- */

static uint64_t is_up(const struct ss_upstream *u)
{
    return !u->dead && ss_upstream_up(u) ? 1 : 0;
}

static uint64_t failures(const struct ss_upstream *u)
{
    return ss_upstreams_standing(u).failures;
}

static uint64_t latency(const struct ss_upstream *u)
{
    return ss_upstreams_standing(u).latency_ms;
}

static void put_server(void *arg, const struct ss_upstream *u)
{
    struct scrape *s = arg;
    char address[SSP_HOST_MAX + PORT_TEXT];
    ssp__endpoint_format(&u->conf.server[0], address, sizeof address);
    struct ss_label label[] = {{"port", s->port}, {"server", address}};
    bool unknown = s->value == latency && ss_upstreams_standing(u).latency_ms == 0;
    if (unknown)
        return;
    (s->value == latency ? ss_exposition_thousandths : ss_exposition_sample)(s->out, s->family,
                                                                             label, 2, s->value(u));
}

static void put_servers(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    name_port(s, instance);
    if (instance->upstreams != NULL)
        ss_upstreams_each(instance->upstreams, put_server, s);
}

/* ---- plugins: of a server, and of the servers of a client ---- */

/* Their families; those with an offset have what plugins tell. */
#define TOLD(member) offsetof(struct ss_plugin_stats, member)
static const struct plugin_row {
    const char *name, *help;
    const char *type;
    struct ss_label label;
    size_t offset;
    enum { PLUGIN_UP, PLUGIN_RESTARTS, PLUGIN_OVERHEAD, PLUGIN_TOLD } of;
} of_plugins[] = {
    {"shadowplug_plugin_up", "1 when the plugin is ready.", "gauge", {NULL, NULL}, 0, PLUGIN_UP},
    {"shadowplug_plugin_restarts_total",
     "Starts of a plugin after its first.",
     "counter",
     {NULL, NULL},
     0,
     PLUGIN_RESTARTS},
    {"shadowplug_plugin_overhead_ratio",
     "Bytes on the wire of a plugin for each byte that it carries, once it tells.",
     "gauge",
     {NULL, NULL},
     0,
     PLUGIN_OVERHEAD},
    {"shadowplug_plugin_connections",
     "Connections in the plugin now.",
     "gauge",
     {NULL, NULL},
     TOLD(live),
     PLUGIN_TOLD},
    {"shadowplug_plugin_connections_total",
     "Connections that a plugin has accepted.",
     "counter",
     {NULL, NULL},
     TOLD(connections),
     PLUGIN_TOLD},
    {"shadowplug_plugin_failures_total",
     "Connections of a plugin that were not of its protocol, or ended by an error.",
     "counter",
     {"reason", "foreign"},
     TOLD(foreign),
     PLUGIN_TOLD},
    {"shadowplug_plugin_failures_total",
     NULL,
     NULL,
     {"reason", "error"},
     TOLD(failed),
     PLUGIN_TOLD},
    {"shadowplug_plugin_bytes_total",
     "Bytes that a plugin has carried, without what it adds.",
     "counter",
     {"direction", "up"},
     TOLD(up),
     PLUGIN_TOLD},
    {"shadowplug_plugin_bytes_total", NULL, NULL, {"direction", "down"}, TOLD(down), PLUGIN_TOLD},
};

static void put_plugin(struct scrape *s, const struct ss_plugin *p, const char *server)
{
    const struct plugin_row *row = s->plugin_row;
    struct ss_label label[] = {{"port", s->port}, {"server", server}, row->label};
    struct ss_plugin_stats stats = ss_plugin_stats(p);
    uint64_t plain = stats.up + stats.down, wire = stats.wire_up + stats.wire_down;
    if (p->host == NULL)
        return;
    if (row->of == PLUGIN_UP)
        ss_exposition_sample(s->out, row->name, label, 3, p->ready);
    else if (row->of == PLUGIN_RESTARTS)
        ss_exposition_sample(s->out, row->name, label, 3, p->restarts);
    else if (row->of == PLUGIN_TOLD && p->counts)
        ss_exposition_sample(s->out, row->name, label, 3,
                             *(const uint64_t *)(const void *)((char *)&stats + row->offset));
    else if (row->of == PLUGIN_OVERHEAD && plain > 0 && wire > 0)
        ss_exposition_thousandths(s->out, row->name, label, 3,
                                  (uint64_t)((double)wire * 1000 / (double)plain));
}

static void put_plugin_of(void *arg, const struct ss_upstream *u)
{
    char address[SSP_HOST_MAX + PORT_TEXT];
    ssp__endpoint_format(&u->conf.server[0], address, sizeof address);
    put_plugin(arg, &u->plugin, address);
}

static void put_plugins(void *arg, const struct ss_instance *instance)
{
    struct scrape *s = arg;
    name_port(s, instance);
    if (instance->plugin != NULL)
        put_plugin(s, instance->plugin, NULL);
    if (instance->upstreams != NULL)
        ss_upstreams_each(instance->upstreams, put_plugin_of, s);
}

static const struct {
    const char *name, *help;
    uint64_t (*value)(const struct ss_upstream *upstream);
} of_servers[] = {
    {"shadowplug_server_up", "1 when a server can be used, with its plugin.", is_up},
    {"shadowplug_server_failures", "Failures of a server in a row.", failures},
    {"shadowplug_server_latency_seconds", "Time that a server takes to answer.", latency},
};

/* ---- all ---- */

static void put_rows(struct scrape *s, const struct row *row, size_t rows,
                     ss_instance_visit_fn *visit)
{
    for (size_t i = 0; i < rows; i++) {
        s->row = &row[i];
        s->users = 0;
        if (row[i].help != NULL)
            ss_exposition_family(s->out, row[i].name, "counter", row[i].help);
        each(s, visit);
    }
}

/* A family of one sample. */
static void put_alone(FILE *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    ss_exposition_family(out, name, type, help);
    ss_exposition_sample(out, name, NULL, 0, value);
}

static void put_access_log(const struct ss_metrics *m, FILE *out)
{
    if (m->process->access_log == NULL)
        return;
    struct ss_access_counts counts = ss_access_log_counts(m->process->access_log);
    put_alone(out, "shadowplug_access_log_lines_total", "counter",
              "Lines of the access log, with those that are lost.", counts.lines);
    put_alone(out, "shadowplug_access_log_lost_total", "counter",
              "Lines that a full or slow disk did not take.", counts.lost);
}

static void put_store(const struct ss_metrics *m, FILE *out)
{
    if (m->process->store == NULL)
        return;
    struct ss_store_counts counts = ss_store_counts(m->process->store);
    put_alone(out, "shadowplug_store_up", "gauge",
              "1 when the last exchange reached the store of the fleet.", counts.up);
    ss_exposition_family(out, "shadowplug_store_age_seconds", "gauge",
                         "Time since the last exchange with the store without an error.");
    if (counts.copied)
        ss_exposition_thousandths(out, "shadowplug_store_age_seconds", NULL, 0, counts.age_ms);
    put_alone(out, "shadowplug_store_errors_total", "counter",
              "Exchanges with the store that had an error.", counts.errors);
    put_alone(out, "shadowplug_store_commands_total", "counter",
              "Commands that were sent to the store.", counts.commands);
}

static void write_metrics(void *arg, FILE *out)
{
    const struct ss_metrics *m = arg;
    struct scrape s = {.metrics = m, .out = out};
    struct ss_label build[] = {{"program", m->program}, {"version", ssp_version()}};
    ss_exposition_family(out, "shadowplug_build_info", "gauge", "The program.");
    ss_exposition_sample(out, "shadowplug_build_info", build, 2, 1);
    ss_exposition_family(out, "shadowplug_connections", "gauge", "Connections of clients now.");
    each(&s, put_live);
    put_workers(&s);
    put_rows(&s, of_ports, sizeof of_ports / sizeof *of_ports, put_counter);
    put_rows(&s, of_users, sizeof of_users / sizeof *of_users, put_users);
    s.family = "shadowplug_udp_associations";
    ss_exposition_family(out, s.family, "gauge", "Associations of UDP now.");
    each(&s, put_associations);
    s.family = "shadowplug_replays_total";
    ss_exposition_family(out, s.family, "counter", "Messages whose salt had come before.");
    each(&s, put_replays);
    put_access_log(m, out);
    put_store(m, out);
    for (size_t i = 0; i < sizeof of_plugins / sizeof *of_plugins; i++) {
        s.plugin_row = &of_plugins[i];
        if (of_plugins[i].help != NULL)
            ss_exposition_family(out, of_plugins[i].name, of_plugins[i].type, of_plugins[i].help);
        each(&s, put_plugins);
    }
    for (size_t i = 0; i < sizeof of_servers / sizeof *of_servers; i++) {
        s.family = of_servers[i].name;
        s.value = of_servers[i].value;
        ss_exposition_family(out, s.family, "gauge", of_servers[i].help);
        each(&s, put_servers);
    }
}

/* ---- where they are ---- */

static const ssp_codec identity = {.size = sizeof(ssp_codec), .name = "pages", .version = "1"};

/* The front names no target. */
static bool plan(const void *arg, const struct ssp__plan_query *query, struct ssp__plan *plan)
{
    (void)arg;
    (void)query;
    (void)plan;
    return false;
}

static int listen_there(struct ss_metrics *m, struct ss_process *process, const char *where,
                        char *why)
{
    struct ssp__endpoint e;
    char text[SSP_HOST_MAX + PORT_TEXT];
    if (where[0] == '/') {
        int fd = ss_process_listen_at(process, &m->socket, where, why, WHY_MAX);
        m->pages.by_path = true;
        if (fd == -1 || ssp__instance_adopt(&m->relay, fd, &m->service) == -1)
            return -1;
        ssp_info("metrics at %s", where);
        return 0;
    }
    if (ss_local_address_read(&e, where) == -1)
        return -1;
    int fd = ss_activation_take(&process->activation, SOCK_STREAM, &e);
    if ((fd != -1 ? ssp__instance_adopt(&m->relay, fd, &m->service)
                  : ssp__instance_listen(&m->relay, &e, &m->service, why, WHY_MAX)) == -1)
        return -1;
    ssp__endpoint_format(&e, text, sizeof text);
    ssp_info("metrics at http://%s/metrics", text);
    return 0;
}

int ss_metrics_open(struct ss_metrics *m, struct ss_process *process, enum ss_program program,
                    const struct ss_conf *c, struct ss_instances instances)
{
    char why[WHY_MAX] = "out of memory";
    if (c->metrics == NULL)
        return 0;
    *m = (struct ss_metrics){
        .program = ss_programs[program].name, .process = process, .instances = instances};
    m->pages = (struct ss_pages){.metrics = write_metrics, .arg = m};
    m->entrance.pages = &m->pages;
    m->service = (struct ssp__service){
        .name = "metrics",
        .coded = SSP_DIALED,
        .role = SSP_CLIENT,
        .codec = &identity,
        .front = &ss_pages_front,
        .front_conf = &m->entrance,
        .plan = plan,
        .limits = {.greet_ms = GREET_MS, .idle_ms = IDLE_MS, .linger_ms = LINGER_MS},
    };
    ssp__instance_open(&m->relay, &process->program);
    if (listen_there(m, process, c->metrics, why) == -1) {
        ssp_error("metrics: cannot listen at %s: %s", c->metrics, why);
        return -1;
    }
    return 0;
}

void ss_metrics_each_socket(const struct ss_metrics *m, void (*visit)(void *arg, int fd), void *arg)
{
    if (m->program != NULL)
        ssp__instance_each_socket(&m->relay, visit, arg);
}

void ss_metrics_leave(struct ss_metrics *m)
{
    ssp__control_leave(&m->socket);
    ss_metrics_close(m);
}

void ss_metrics_close(struct ss_metrics *m)
{
    if (m->program == NULL)
        return;
    ssp__instance_close(&m->relay);
    ssp__control_close(&m->socket);
    m->program = NULL;
}
