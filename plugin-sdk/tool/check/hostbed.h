/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostbed.h - one host under test, the probe as its plugin, and both ends around them.
 *
 *   client:  user -> local [host] -> [probe] -> port, where the harness listens
 *   server:  user -> port [probe] -> [host]
 *
 * Words of the command have holes: {plugin} and {options} as they are, {host} and {port} of the
 * server, {address} for both (an IPv6 one in brackets), {local} for the port of users.  Without
 * options, a word with {options} is left out, and one before it that begins with a dash.
 */
#ifndef SSP_CHECK_HOSTBED_H
#define SSP_CHECK_HOSTBED_H

#include "check/far_end.h"
#include "check/probe.h"
#include "check/process.h"

enum {
    UP_MS = 10000,
    READY_MS = 5000,
    VISIT_MS = 5000,
    STOP_LIMIT_MS = 5000,
    VARIABLES_MAX = 65536
};

struct hostbed {
    const struct fixture *fixture;
    /* May be changed before hostbed_start(). */
    enum probe_kind kind;
    const char *plugin;  /* in place of the probe's path; NULL: that */
    const char *options; /* NULL: none */
    const char *server;  /* the numeric host */
    const char *const *environment;

    uint16_t port, local;
    struct process host;
    struct process seen; /* the plugin; pid 0: none yet */
    struct scene scene;
    struct far_end far;
    struct host_user {
        struct watch watch; /* first */
        unsigned heard;
        bool ended;
    } user;
    unsigned bytes_before, dialed_before; /* the user */
    char variables[VARIABLES_MAX];        /* of the plugin, as in /proc/PID/environ */
    size_t variables_len;
    bool late; /* a time limit was met */
};

void hostbed_init(struct hostbed *b, const struct fixture *fixture);

/* Starts the host.  Ends the process when the program is gone. */
void hostbed_start(struct hostbed *b);

/* Runs until test(b) holds, or the time is over.  Returns whether it does. */
typedef bool hostbed_test_fn(struct hostbed *b);
bool hostbed_await(struct hostbed *b, unsigned ms, hostbed_test_fn *test);

/* Waits until the host has started its plugin, and reads its variables.  False: it has not, as a
 * clause in e, which may be NULL, says. */
bool hostbed_await_plugin(struct hostbed *b, unsigned ms, struct evidence *e);

/* hostbed_start(), and all of it until plugin and host listen. */
bool hostbed_up(struct hostbed *b, struct evidence *e);

/* For hostbed_await(): plugin and host listen; another plugin than the one seen runs; the host, or
 * both, have ended. */
hostbed_test_fn hostbed_ready, hostbed_succeeded, hostbed_host_gone, hostbed_all_gone;

/* A variable of the plugin; NULL: not set. */
const char *hostbed_variable(const struct hostbed *b, const char *name);

/* The port at which host and plugin meet; 0: malformed. */
uint16_t hostbed_inner_port(const struct hostbed *b);

/* The things that the probe has seen. */
struct probe_seen {
    unsigned accepted, dialed;
    bool asked_to_end;
};

struct probe_seen hostbed_probe(const struct hostbed *b);

/* A user of the host comes, with a request of SOCKS 5 where it is a client. */
void hostbed_come(struct hostbed *b);

/* True when bytes of the user come to the far end, or the plugin of a server has reached its host,
 * within the time. */
bool hostbed_served(struct hostbed *b, unsigned ms);

/* Both, and the user leaves. */
bool hostbed_visit(struct hostbed *b, unsigned ms);

/* Sends the host a signal, and waits for the end of both, STOP_LIMIT_MS at most.  True when both
 * are gone; *asked: the plugin has got SIGTERM before. */
bool hostbed_stop(struct hostbed *b, int signal, bool *asked);

/* Ends everything, and notes in e whether a time limit was met on the way. */
void hostbed_end(struct hostbed *b, struct evidence *e);

/* "exit 1 after 12 ms: the last line that it printed", for evidence. */
const char *hostbed_fate(struct hostbed *b, char *text, size_t cap);

#endif
