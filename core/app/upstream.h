/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream.h - one of the servers of a client: its keys, its plugin, and how it stands.
 */
#ifndef SS_APP_UPSTREAM_H
#define SS_APP_UPSTREAM_H

#include "app/choice.h"
#include "app/dialing.h"
#include "app/keys.h"
#include "app/plugin.h"

/* It must not move. */
struct ss_upstream {
    struct ss_upstream *next;
    struct ss_upstreams *set; /* borrowed */
    struct ssp__way way;
    struct ss_conf conf; /* its own, with one server and without its key */
    struct ssp__socket_options options;
    struct ss_dialing dialing;
    struct ss_shared_keys *keys; /* held */
    struct ss_plugin plugin;
    struct ss_inline *inlined;   /* its plugin, where that is no process; NULL: none */
    struct ss_standing standing; /* see ss_upstreams_standing() */
    uint64_t bit;                /* by which a plan knows that it was tried */
    bool tcp, udp;
    bool dead;             /* its plugin has died for good */
    bool stays;            /* the reload that goes on has it, too */
    bool retired;          /* a reload has left it out: it ends with its last session */
    struct ssp__post left; /* the last session of a retired one has ended, perhaps on another
                              worker */
    struct ssp__timer leaving;
};

/* Makes one of the server number `at` of conf, with keys that one of `others` may have already.
 * secret is that of the identifiers.  Returns NULL after a log line. */
struct ss_upstream *ss_upstream_new(const struct ss_conf *conf, unsigned at,
                                    enum ss_program program, const struct ss_upstream *others,
                                    const uint8_t secret[SS_KEY_PRINT]);

/* True when it is what one of server number `at` of conf, which has its key still, would be. */
bool ss_upstream_same(const struct ss_upstream *upstream, const struct ss_conf *conf, unsigned at,
                      const uint8_t secret[SS_KEY_PRINT]);

/* True when it needs a plugin. */
bool ss_upstream_plugged(const struct ss_upstream *upstream);

/* Starts its plugin, if it has one; plugin.on_event is set.  Returns 0, or -1 after a log line. */
int ss_upstream_start(struct ss_upstream *upstream, ssp_loop *loop);

/* Its plugin has stopped, or is stopped now; wipes its keys if no other has them. */
void ss_upstream_free(struct ss_upstream *upstream);

/* True when a connection, or a packet, can go there now. */
bool ss_upstream_usable(const struct ss_upstream *upstream, bool packets);

/* True when it needs no plugin, or has one that is ready. */
bool ss_upstream_up(const struct ss_upstream *upstream);

/* Where a client's connections and packets go: to it, or to its plugin. */
const struct ssp__endpoint *ss_upstream_endpoint(const struct ss_upstream *upstream, bool packets);

#endif
