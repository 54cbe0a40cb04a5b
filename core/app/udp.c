/* SPDX-License-Identifier: Apache-2.0 */
#include "app/udp.h"

#include "proto/packet.h"
#include "udp/assoc.h"
#include <ssplugin/log.h>

#include <sodium.h>
#include <stdlib.h>

enum {
    SERVER_MAX = 512, /* associations, as shadowsocks-libev has */
    LOCAL_MAX = 256,
    IDLE_MIN_S = 10,
    IDLE_MAX_S = 24 * 3600,
    WHY_MAX = 512
};

struct ss_udp {
    struct ss_aead_conf *aead; /* in guarded memory */
    struct ss_replay *replay;  /* its own: a flood of packets must not make TCP forget */
    const ssp_world *world;
    const struct ssp__endpoint *server; /* client: whom everything is sent to; a hop without a port
                                          has no plugin yet */
    struct ssp__assocs *assocs;
};

bool ss_udp_wanted(const struct ss_conf *c)
{
    bool around = c->plugin != NULL && !ss_app_udp_in_plugin(c);
    return c->mode != SSP_TCP_ONLY && !(around && c->plugin_udp_off);
}

static void log_dropped(const struct ssp__address *from, const char *why)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    if (!ssp_log_verbose())
        return;
    ssp__address_format(from, text, sizeof text);
    ssp_debug("udp: packet from %s dropped: %s", text, why);
}

/* Seals into the room.  Returns the size, or 0. */
static size_t seal(const struct ss_udp *u, const uint8_t *plain, size_t n, uint8_t *room)
{
    uint8_t salt[SS_SALT_MAX];
    u->world->random(u->world->arg, salt, u->aead->cipher->salt_len);
    if (ss_packet_seal(u->aead, salt, (struct ss_span){plain, n}, room) == -1)
        return 0;
    return n + ss_packet_overhead(u->aead->cipher);
}

/* ---- ss-server ---- */

/* Whoever does not have the key hears nothing, and takes no place. */
static void server_asked(void *arg, struct ssp__datagram *from, struct ssp__packet *in)
{
    struct ss_udp *u = arg;
    struct ss_packet packet;
    uint8_t *room = ssp__assocs_room(u->assocs);
    if (ss_packet_open(&packet, u->aead, (struct ss_span){in->bytes, in->len}, room) == -1) {
        log_dropped(&in->peer, packet.why);
        return;
    }
    struct ssp__assoc *assoc = ssp__assoc_of(u->assocs, from, in);
    if (assoc != NULL)
        ssp__assoc_send(assoc, &packet.target.endpoint, packet.payload, packet.len);
}

static void server_answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *in)
{
    struct ss_udp *u = arg;
    uint8_t *room = ssp__assocs_room(u->assocs);
    size_t header = ss_packet_put_source(in->bytes, &in->peer);
    size_t n = seal(u, in->bytes - header, header + in->len, room);
    if (n > 0)
        ssp__assoc_reply(assoc, room, n);
}

/* ---- ss-local ---- */

static void local_asked(void *arg, struct ssp__datagram *from, struct ssp__packet *in)
{
    struct ss_udp *u = arg;
    struct ss_packet packet;
    if (ss_packet_read_socks(&packet, in->bytes, in->len) == -1) {
        log_dropped(&in->peer, packet.why);
        return;
    }
    if (u->server->port == 0) {
        log_dropped(&in->peer, "the plugin is not ready");
        return;
    }
    uint8_t *room = ssp__assocs_room(u->assocs);
    size_t n = seal(u, in->bytes + SS_SOCKS_PREFIX, in->len - SS_SOCKS_PREFIX, room);
    struct ssp__assoc *assoc = n > 0 ? ssp__assoc_of(u->assocs, from, in) : NULL;
    if (assoc != NULL)
        ssp__assoc_send(assoc, u->server, room, n);
}

static void local_answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *in)
{
    struct ss_udp *u = arg;
    struct ss_packet packet;
    uint8_t *room = ssp__assocs_room(u->assocs);
    struct ss_span sealed = {in->bytes, in->len};
    if (ss_packet_open(&packet, u->aead, sealed, room + SS_SOCKS_PREFIX) == -1) {
        log_dropped(&in->peer, packet.why);
        return;
    }
    for (unsigned i = 0; i < SS_SOCKS_PREFIX; i++)
        room[i] = 0;
    size_t n = in->len - ss_packet_overhead(u->aead->cipher);
    ssp__assoc_reply(assoc, room, SS_SOCKS_PREFIX + n);
}

/* ---- both ---- */

void ss_udp_close(struct ss_udp *u)
{
    if (u == NULL)
        return;
    ssp__assocs_free(u->assocs);
    ss_replay_free(u->replay);
    sodium_free(u->aead);
    free(u);
}

static int make_key(struct ss_udp *u, const struct ss_aead_conf *aead)
{
    u->replay = ss_replay_new(SS_REPLAY_CAPACITY);
    u->aead = sodium_malloc(sizeof *u->aead);
    if (u->replay == NULL || u->aead == NULL)
        return -1;
    *u->aead = *aead;
    u->aead->replay = u->replay;
    (void)sodium_mprotect_readonly(u->aead);
    return 0;
}

/* Or the plugin that stands for it. */
static const struct ssp__endpoint *first_server(const struct ss_app *app)
{
    return ss_app_udp_in_plugin(&app->conf) ? &app->hop[0] : &app->conf.server[0];
}

/* The options for the outside are not for a plugin, nor a server, on this machine, as for TCP. */
static struct ssp__socket_options outgoing(const struct ss_app *app, enum ss_program program)
{
    struct ssp__address server;
    bool near =
        ss_app_udp_in_plugin(&app->conf) ||
        (ssp__endpoint_address(&app->conf.server[0], &server) && ssp__address_loopback(&server));
    if (program == SS_LOCAL && near)
        return (struct ssp__socket_options){.interface = NULL};
    return app->service.dialed;
}

static struct ssp__assocs *make_assocs(struct ss_udp *u, const struct ss_app *app,
                                       enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    bool server = program == SS_SERVER, hop = server && ss_app_udp_in_plugin(c);
    unsigned idle_s = c->timeout_s > IDLE_MIN_S ? c->timeout_s : IDLE_MIN_S;
    if (idle_s > IDLE_MAX_S)
        idle_s = IDLE_MAX_S;
    return ssp__assocs_new(&(struct ssp__assocs_conf){
        .loop = app->program.loop,
        .resolver = app->program.resolver,
        .world = u->world,
        .max = server ? SERVER_MAX : LOCAL_MAX,
        .idle_ms = idle_s * 1000,
        .accepting = {.reuse_port = c->reuse_port && !hop, .v6only = server && c->servers > 1},
        .outgoing = outgoing(app, program),
        .on_asked = server ? server_asked : local_asked,
        .on_answered = server ? server_answered : local_answered,
        .arg = u});
}

/* Returns the port, or -1 after a log line. */
static int listen_on(struct ss_udp *u, const struct ssp__endpoint *e, const char *line)
{
    char why[WHY_MAX], text[SSP_HOST_MAX + 8];
    int port = ssp__assocs_listen(u->assocs, e, why, sizeof why);
    if (port == -1) {
        ssp_error("failed to listen on any address: %s", why);
        return -1;
    }
    struct ssp__endpoint bound = *e;
    bound.port = (uint16_t)port;
    ssp__endpoint_format(&bound, text, sizeof text);
    ssp_info("%s %s", line, text);
    return port;
}

static int listen_all(struct ss_udp *u, struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    struct ssp__endpoint local;
    if (program == SS_LOCAL) {
        if (ssp__endpoint_set(&local, c->local_address, c->local_port) == -1)
            return -1;
        return listen_on(u, &local, "udp listening at") == -1 ? -1 : 0;
    }
    if (ss_app_udp_in_plugin(c)) {
        int port = listen_on(u, &app->hop[0], "udp server listening at");
        app->hop[0].port = (uint16_t)port;
        return port == -1 ? -1 : 0;
    }
    for (unsigned i = 0; i < c->servers; i++) {
        if (listen_on(u, &c->server[i], "udp server listening at") == -1)
            return -1;
    }
    return 0;
}

static void announce(const struct ss_conf *c)
{
    ssp_info("UDP relay enabled");
    if (c->mode == SSP_UDP_ONLY)
        ssp_info("TCP relay disabled");
    if (ss_app_udp_in_plugin(c))
        ssp_info("UDP goes through the plugin \"%s\"", c->plugin);
    else if (c->plugin != NULL && c->mode == SSP_UDP_ONLY)
        ssp_info("plugin \"%s\" is not started: it carries TCP only (mode: udp_only)", c->plugin);
    else if (c->plugin != NULL)
        ssp_info("UDP goes around the plugin \"%s\": it carries TCP only (plugin_udp: off stops "
                 "that)",
                 c->plugin);
}

int ss_udp_open(struct ss_app *app, enum ss_program program)
{
    const struct ss_conf *c = &app->conf;
    if (!ss_udp_wanted(c)) {
        if (c->mode != SSP_TCP_ONLY)
            ssp_info("UDP is off: the plugin \"%s\" carries TCP only (plugin_udp: off)", c->plugin);
        return 0;
    }
    struct ss_udp *u = calloc(1, sizeof *u);
    app->udp = u;
    if (u == NULL || make_key(u, app->aead) == -1) {
        ssp_error("udp: out of memory");
        return -1;
    }
    u->world = &app->program.worker->world;
    u->server = first_server(app);
    u->assocs = make_assocs(u, app, program);
    if (u->assocs == NULL) {
        ssp_error("udp: out of memory");
        return -1;
    }
    announce(c);
    return listen_all(u, app, program);
}
