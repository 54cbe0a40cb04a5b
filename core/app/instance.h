/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.h - one server, or one client, of a process: configuration -> service rows -> listeners,
 * UDP and plugins.
 */
#ifndef SS_APP_INSTANCE_H
#define SS_APP_INSTANCE_H

#include "app/dialing.h"
#include "app/keys.h"
#include "app/meter.h"
#include "app/plugin.h"
#include "app/process.h"
#include "procfs/diag.h"
#include "proto/entrance.h"
#include "proto/redir.h"
#include "proto/socks.h"

struct ss_generation;
struct ss_report;
struct ss_upstreams;
struct ss_view;

/* Hears of an instance that begins and ends while the process goes on; each may be NULL. */
struct ss_instance_owner {
    void (*ready)(void *arg);  /* it serves clients */
    void (*failed)(void *arg); /* it has ended by itself; the callee does not close it */
    void *arg;
};

/* It must not move.  Zero is a closed one. */
struct ss_instance {
    struct ss_process *process;       /* borrowed */
    struct ss_conf *conf;             /* borrowed */
    struct ss_generation *generation; /* that conf is of, held; NULL: of none, see serving.h */
    enum ss_program program;
    struct ss_access *access;        /* held, shared; NULL: no access list */
    struct ssp__balancers balancers; /* of a server: they may name its clients; owned */
    struct ss_meter *meter;          /* held; of the one that it replaces, if set before it is
                                        opened: then its limits are not set by that */
    struct ss_shared_keys *keys;     /* of a server, held */
    struct ss_plugin *plugin;        /* of a server, owned; its hop is where the plugin finds us */
    struct ss_inline *inlined;       /* the same, owned, where it is no process */
    struct ssp__endpoint fallback;   /* for connections that are not of that plugin */
    bool falls_back;                 /* there is one */
    struct ss_upstreams *upstreams;  /* of a client: its servers, shared with other instances */
    struct ss_instance *next;        /* that has the same */
    struct ss_instance *sibling;     /* of the process, one that serves or that has retired */
    struct ssp__instance relay;
    struct ssp__service service;
    struct ssp__service udp_service;
    struct ssp__access_log access_log; /* of both; note is NULL without one */
    struct ssp__udp *udp;              /* NULL: off */
    struct ssp__leases leases;         /* of clients that asked for UDP by TCP */
    struct ss_report *report;          /* of its traffic to a manager; NULL: none */
    struct ssp__endpoint local;        /* where a client listens */
    struct ssp__target target;         /* of ss-tunnel */
    struct ss_entrance entrance;       /* of ss-local, see entrance.h */
    struct ss_view *view;              /* of its pages; owned */
    struct ss_redir_conf redir;        /* of ss-redir */
    struct ss_redir_known redir_known; /* the same */
    ssp__permit_fn *permit_server;     /* asked before a server is dialed; NULL: always */
    struct ss_dialing dialing;
    bool joined, started, ready;           /* as reported to the process */
    bool no_port;                          /* it could not listen */
    struct ss_instance_owner owner;        /* to be set before it is opened, as the next */
    const struct ss_instance *predecessor; /* its sockets are taken over; borrowed while opened */
    struct ss_instance *successor;         /* of one that has retired; NULL: it has none */
    bool retired;
    struct ssp__timer leaving; /* of one that has retired */
};

/* Listens on every endpoint for TCP and logs `line` with each address.  A port that is 0 becomes
 * the kernel's choice.  Returns 0, or -1 after a log line. */
int ss_instance_listen(struct ss_instance *instance, struct ssp__endpoint *e, unsigned n,
                       const char *line);

/* True when an instance of conf could take over the sockets of one that serves. */
bool ss_instance_may_inherit(const struct ss_instance *predecessor, const struct ss_conf *conf);

/* Reports to the process, once, that the instance has started, or serves clients. */
void ss_instance_started(struct ss_instance *instance);
void ss_instance_ready(struct ss_instance *instance);

/* Stops serving and stops the plugins; the process continues. */
void ss_instance_fail(struct ss_instance *instance);

/* Stops serving, and its plugin, and releases what is its own. */
void ss_instance_end(struct ss_instance *instance);

/* Stops what brings clients. */
void ss_instance_stop_listening(struct ss_instance *instance);

/* The process does not count it any more. */
void ss_instance_leave(struct ss_instance *instance);

#endif
