/* SPDX-License-Identifier: Apache-2.0 */
#include "app/upstream.h"

#include "conf/fields.h"
#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

/* The hop to a plugin is on loopback, where the options for outgoing sockets do not apply. */
static const struct ssp__socket_options no_options;

/* ---- its life ---- */

/* Takes the keys of another server with the same method and password, or new ones. */
static int take_keys(struct ss_upstream *u, enum ss_program program,
                     const struct ss_upstream *others, const uint8_t secret[SS_KEY_PRINT])
{
    const struct ss_keys_purpose purpose = {.program = program, .packets = u->udp};
    uint8_t print[SS_KEY_PRINT];
    ss_conf_key_print(print, &u->conf, secret);
    while (others != NULL && !ss_shared_keys_fit(others->keys, u->udp, print))
        others = others->next;
    u->keys = ss_shared_keys_take(others != NULL ? others->keys : NULL, &u->conf, &purpose, print);
    return u->keys != NULL ? 0 : -1;
}

static int fill_way(struct ss_upstream *u)
{
    const struct ss_keys *keys = &u->keys->keys;
    const struct ssp__packets *packets = keys->method->packets;
    if (ss_plugin_stack(&u->inlined, &u->conf, SSP_CLIENT, keys) == -1)
        return -1;
    u->way.codec = u->inlined != NULL ? ss_inline_codec(u->inlined) : keys->method->codec;
    u->way.conf = u->inlined != NULL ? ss_inline_conf(u->inlined) : keys->codec_conf;
    u->way.packets = packets;
    u->way.packets_conf = keys->packets_conf;
    u->way.packets_scratch = calloc(1, packets->scratch_size + 1);
    u->way.hosted = ss_plugin_has_tcp(&u->conf);
    u->options = ss_dialing_options(&u->dialing, &u->conf);
    if (u->inlined != NULL) {
        u->options.fast_open = u->options.fast_open || ss_inline_fast_open(u->inlined);
        u->options.mptcp = u->options.mptcp || ss_inline_mptcp(u->inlined);
    }
    u->way.options = u->way.hosted ? &no_options : &u->options;
    if (u->way.packets_scratch != NULL)
        return 0;
    ssp_error("server: out of memory");
    return -1;
}

struct ss_upstream *ss_upstream_new(const struct ss_conf *conf, unsigned at,
                                    enum ss_program program, const struct ss_upstream *others,
                                    const uint8_t secret[SS_KEY_PRINT])
{
    struct ss_upstream *u = calloc(1, sizeof *u);
    if (u == NULL || ss_conf_copy(&u->conf, conf) == -1) {
        ssp_error("server: out of memory");
        ss_upstream_free(u);
        return NULL;
    }
    u->conf.server[0] = conf->server[at];
    u->conf.servers = 1;
    u->tcp = conf->mode != SSP_UDP_ONLY;
    u->udp = ss_udp_wanted(conf);
    if (take_keys(u, program, others, secret) == 0 && fill_way(u) == 0)
        return u;
    ss_upstream_free(u);
    return NULL;
}

int ss_upstream_start(struct ss_upstream *u, ssp_loop *loop)
{
    struct ssp__endpoint hop;
    if (!ss_upstream_plugged(u))
        return 0;
    ss_plugin_choose_hop(&u->conf, &hop);
    return ss_plugin_start(&u->plugin, loop,
                           &(struct ss_plugin_order){.conf = &u->conf,
                                                     .role = SSP_CLIENT,
                                                     .server = u->conf.server,
                                                     .servers = 1,
                                                     .hop = &hop});
}

void ss_upstream_free(struct ss_upstream *u)
{
    if (u == NULL)
        return;
    ss_plugin_stop(&u->plugin);
    if (u->way.packets_scratch != NULL && u->way.packets->release != NULL)
        u->way.packets->release(u->way.packets_scratch);
    free(u->way.packets_scratch);
    ss_inline_free(u->inlined);
    ss_shared_keys_leave(u->keys);
    ss_conf_release(&u->conf);
    free(u);
}

/* ---- its state ---- */

bool ss_upstream_plugged(const struct ss_upstream *u)
{
    return ss_plugin_runs(&u->conf);
}

/* The way to a plugin on loopback has no options. */
bool ss_upstream_same(const struct ss_upstream *u, const struct ss_conf *conf, unsigned at,
                      const uint8_t secret[SS_KEY_PRINT])
{
    uint8_t print[SS_KEY_PRINT];
    unsigned groups = SS_OF_PLUGIN | SS_OF_SOCKET | (u->way.hosted ? 0 : SS_OF_DIAL);
    if (!ss_endpoint_same(&u->conf.server[0], &conf->server[at]) ||
        ss_conf_differs(&u->conf, conf, groups) != NULL)
        return false;
    ss_conf_key_print(print, conf, secret);
    return ss_shared_keys_fit(u->keys, u->udp, print);
}

bool ss_upstream_up(const struct ss_upstream *u)
{
    return !u->dead && (!ss_upstream_plugged(u) || u->plugin.ready);
}

bool ss_upstream_usable(const struct ss_upstream *u, bool packets)
{
    bool through = packets ? ss_plugin_has_udp(&u->conf) : ss_plugin_has_tcp(&u->conf);
    bool serves = packets ? u->udp : u->tcp;
    return serves && !u->dead && (!through || u->plugin.ready);
}

const struct ssp__endpoint *ss_upstream_endpoint(const struct ss_upstream *u, bool packets)
{
    bool through = packets ? ss_plugin_has_udp(&u->conf) : ss_plugin_has_tcp(&u->conf);
    return through ? &u->plugin.hop : &u->conf.server[0];
}
