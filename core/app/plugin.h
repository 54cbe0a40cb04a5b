/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h - a plugin of a server, or of one of the servers of a client: its addresses, its start
 * and its death.
 */
#ifndef SS_APP_PLUGIN_H
#define SS_APP_PLUGIN_H

#include "app/keys.h"
#include "app/shared_port.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "inline/inline.h"

#include <ssplugin/host.h>

/* Counters that a plugin tells, see STATS in docs/sip003.md. */
struct ss_plugin_stats {
    uint64_t connections, live, up, down, foreign, failed, wire_up, wire_down;
};

enum ss_plugin_event {
    SS_PLUGIN_READY,
    SS_PLUGIN_DOWN, /* it is started again; news of its death for the sessions */
    SS_PLUGIN_DIED, /* it is not */
    SS_PLUGIN_LEFT  /* its last connection has ended, after ss_plugin_retire() */
};

/* It must not move while it runs.  Zero is none. */
struct ss_plugin {
    const struct ss_conf *conf; /* borrowed */
    ssp_role role;
    ssp_host *host;               /* NULL: not started */
    struct ssp__endpoint hop;     /* loopback address between us and it */
    struct ss_shared_port shared; /* of a server, opened before the start */
    bool ready;
    bool leaves; /* ss_plugin_retire() */
    unsigned restarts;
    bool counts;                         /* it has told counters */
    struct ss_plugin_stats told, former; /* those of this process, and of the ones before it */
    void (*on_event)(void *arg, enum ss_plugin_event event);
    void *arg;
};

/* How it is started. */
struct ss_plugin_order {
    const struct ss_conf *conf;
    ssp_role role;
    const struct ssp__endpoint *server; /* remote addresses: of a client one */
    unsigned servers;
    const struct ssp__endpoint *hop;
    unsigned handshake_ms;               /* of a server: its deadline for clients */
    const struct ss_shared_port *shared; /* NULL: none */
};

/* Whether TCP and UDP, if relayed at all, go through the process of a plugin; else they bypass it.
 */
bool ss_plugin_has_tcp(const struct ss_conf *conf);
bool ss_plugin_has_udp(const struct ss_conf *conf);

/* True when a plugin is started as a process. */
bool ss_plugin_runs(const struct ss_conf *conf);

/* Makes the codec of conf's plugin, if that is one inside of the program, upon a cipher; *inlined
 * is NULL for any other plugin.  Returns 0, or -1 after a log line. */
int ss_plugin_stack(struct ss_inline **inlined, const struct ss_conf *conf, ssp_role role,
                    const struct ss_keys *keys);

/* The counters since the program has started it first. */
struct ss_plugin_stats ss_plugin_stats(const struct ss_plugin *plugin);

/* True when the configuration asks for UDP, and plugin_udp does not forbid it. */
bool ss_udp_wanted(const struct ss_conf *conf);

/* The loopback address for the hop to a plugin; its port is 0. */
void ss_plugin_choose_hop(const struct ss_conf *conf, struct ssp__endpoint *hop);

/* Says that the plugin of conf is used, and what goes around it. */
void ss_plugin_announce(const struct ss_conf *conf);

/* Starts the plugin; on_event and arg are set.  That of a server forwards what comes in on its
 * servers to the hop, that of a client what comes in on the hop to its server: then the hop gets
 * its port.  Returns 0, or -1 after a log line. */
int ss_plugin_start(struct ss_plugin *plugin, ssp_loop *loop, const struct ss_plugin_order *order);

/* Leaves the shared port to another process: the plugin, if it runs, ends with its last connection.
 */
void ss_plugin_retire(struct ss_plugin *plugin);

void ss_plugin_begin_stop(struct ss_plugin *plugin); /* accepts NULL, and one not started */
void ss_plugin_stop(struct ss_plugin *plugin);       /* accepts one that was not started */
void ss_plugin_free(struct ss_plugin *plugin);       /* stops it, too; accepts NULL */

enum ssp__liveness ss_plugin_liveness(const struct ss_plugin *plugin);

/* Prints what a plugin would get, one variable a line, on stdout; for servers apart from each
 * other, an empty line is between their plugins.  Returns the exit status. */
int ss_plugin_print_env(enum ss_program program, struct ss_conf *conf);

#endif
