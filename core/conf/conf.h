/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - command line and JSON file become one const struct.
 *
 * Options, keys, defaults and precedence are those of shadowsocks-libev: the command line beats the
 * file for valued options, booleans are OR-ed, -s replaces the whole server list of the file.
 */
#ifndef SS_CONF_CONF_H
#define SS_CONF_CONF_H

#include "acl/ranges.h"
#include "base/address.h"
#include "base/counters.h"
#include "base/next.h"
#include "conf/fetch.h"
#include "conf/program.h"
#include "formats/server.h"
#include "proto/accounts.h"

#include <stdbool.h>
#include <stdint.h>

enum { SS_SERVERS_MAX = 10, SS_WORKERS_MAX = 64 };

/* Exit statuses of the programs. */
enum { SS_EXIT_OK = 0, SS_EXIT_USAGE = 1, SS_EXIT_FATAL = 255 };

/* A listener of "locals".  Texts are owned. */
struct ss_listener {
    enum ss_program program;
    char *address; /* NULL: as the conf says */
    uint16_t port;
    bool has_mode;
    ssp_mode mode;
    char *target;    /* of ss-tunnel */
    bool tcp_tproxy; /* of ss-redir */
};

/* A port of "port_password". */
struct ss_port_password {
    uint16_t port;
    char *password; /* owned */
};

enum { SS_ONLINE_PRINT = 32 };

/* A list of servers that is looked at again and again. */
struct ss_online {
    char *url;                         /* https, or an absolute path; owned; NULL: there is none */
    struct ss_allowed_plugin *allowed; /* plugins that it may name; owned */
    size_t alloweds;
    unsigned interval_s; /* between two looks; 0: it is read at the start only */
    struct ss_fetch_version version;
    uint8_t print[SS_ONLINE_PRINT]; /* of the text that the servers came from */
};

/* All strings are owned; NULL when not given, and but for the password never empty. */
struct ss_conf {
    struct ssp__endpoint server[SS_SERVERS_MAX]; /* server: listen here; client: dial them */
    unsigned servers;                            /* at least one, each with a port */
    uint16_t server_port;                        /* of the servers that had none; 0: not given */
    struct ss_server_list list; /* servers with settings of their own; the one in use is above */
    char *local_address;        /* client: listen address, never NULL; server: NULL */
    char *local_ipv4_address;   /* server: bind outgoing connections of this family here */
    char *local_ipv6_address;   /* server: the same; both are numeric */
    uint16_t local_port;        /* client: not 0, unless there are listeners */
    bool from_list;             /* the one in use is of the list */
    bool fetched;               /* the same, which is looked at again */
    bool apart;                 /* each server of the list is an instance */
    bool many;                  /* client: the list is to be chosen from */
    struct ss_conf *upstream;   /* client: of each server that is chosen from; owned, complete;
                                   none: the conf itself is the only one */
    size_t upstreams;
    const struct ss_conf *whole;  /* of an instance: the conf that has its servers; NULL: itself */
    const atomic_bool *stop;      /* while reading: see ss_conf_read_again() */
    struct ss_online online;      /* the list that servers come from besides */
    struct ss_listener *listener; /* client: of "locals"; owned */
    size_t listeners;
    struct ss_conf *instance; /* owned, complete; none: the conf itself is the only one */
    size_t instances;
    enum ss_program program; /* of an instance */
    char *tunnel_address;    /* ss-tunnel: never NULL, a host and a port */
    bool tcp_tproxy;         /* ss-redir: TPROXY brings TCP, too; else REDIRECT */
    char *password, *key;    /* at least one, until forgotten; key is base64 and fits method */
    char *password_file;     /* where the password is */
    struct ss_users *users;  /* of a server, owned; NULL: it does not tell them apart */
    struct ss_user_text *user_text; /* while reading: the same, owned */
    size_t user_texts;
    struct ssp__allowance allowance; /* of a server's traffic */
    bool has_users;                  /* the file names them, if only none */
    bool pages_exposed;              /* the pages of a client are for other machines, too */
    struct ss_account *account;      /* of those who use a client; owned */
    size_t accounts;
    uint8_t prefix[SS_PREFIX_MAX]; /* client: its salts begin with these bytes, as Outline asks */
    size_t prefix_len;
    char *method;                 /* never NULL, a known AEAD cipher */
    unsigned timeout_s;           /* default 60 */
    unsigned handshake_timeout_s; /* server: life of an unauthenticated connection; 0: from key */
    unsigned handshakes_per_ip;   /* unauthenticated connections of one source; 0: the default */
    unsigned keep_alive_s;        /* default 300; 0: no keep-alives */
    unsigned tcp_user_timeout_s;  /* default 900; 0: the system's */
    ssp_mode mode;
    enum ss_outbound outbound; /* server: targets that are dialed */
    bool fast_open, reuse_port, mptcp, ipv6_first, no_delay, use_syslog, verbose;
    bool core_dumps;                                  /* of the program; a plugin has none */
    unsigned workers;                                 /* default 1 */
    unsigned nofile, mtu;                             /* 0: not given */
    unsigned udp_timeout_s, udp_associations, fwmark; /* the same */
    bool ipv6_only;                                   /* listeners on IPv6 take no IPv4 */
    unsigned tcp_incoming_sndbuf, tcp_incoming_rcvbuf, tcp_outgoing_sndbuf, tcp_outgoing_rcvbuf;
    char *user, *pid_file, *nameserver, *acl, *manager_address, *interface;
    bool proxy_protocol;       /* server: a PROXY header comes first */
    char *proxy_protocol_from; /* networks of those who may send it, joined by ',' */
    char *store;               /* server: of its fleet, see store/place.h */
    char *metrics;             /* where those of the process are */
    char *access_log;          /* of the process: an absolute path, "-" or "syslog" */
    char *access_log_clients;  /* "full", "network" or "none"; NULL: the first */
    char *access_log_targets;  /* "full" or "none"; the same */
    bool access_log_json;
    char *control;                            /* where the process takes orders; absolute */
    unsigned drain_s;                         /* for connections of a process that is replaced */
    bool status, json;                        /* shows the metrics of a process that runs */
    bool take_over, reload;                   /* of the process at control */
    char *state_dir;                          /* server: where salts are kept over a restart */
    char *workdir, *executable, *manager_key; /* of ss-manager */
    struct ss_port_password *ports;           /* the same, owned */
    size_t port_count;
    char *plugin, *plugin_opts;
    char *plugin_dir;      /* absolute; searched first for a plugin without '/' */
    char *plugin_user;     /* the plugin runs as this user; NULL: as the program's */
    bool plugin_restart;   /* restarts a plugin that fails; else the program ends */
    bool plugin_sandbox;   /* default true */
    char *plugin_writable; /* paths that the plugin may change, joined by ':' */
    char *plugin_ports;    /* TCP ports that the plugin uses besides, joined by ',', or "any" */
    bool plugin_exposed;   /* a client's plugin may listen on more than loopback */
    ssp_mode plugin_mode;  /* the part that the plugin carries; the rest bypasses it */
    bool plugin_udp_off;   /* no UDP around the plugin */
    bool print_plugin_env; /* then exits, as do the next four */
    bool dump_config, export_url;
    char *export_qr;          /* a file, or "-" */
    char *acl_test;           /* while reading: the access list that is asked */
    bool check;               /* every mistake is reported */
    bool mistaken;            /* with check: some were */
    unsigned plugin_grace_ms; /* from SIGTERM to SIGKILL, default 2000; 0: at once */
    unsigned plugin_ready_ms; /* the plugin has to listen within, default 10000 */
    char *path;               /* of the file that was read, absolute; NULL: none */
    const char *file;         /* while reading: the argument of -c, borrowed */
    uint64_t given;           /* while reading: a bit per field for which zero is a value */
    uint64_t refused;         /* while reading: a bit per field whose value was refused */
};

struct ss_user_text {
    char *name, *key; /* owned */
    struct ssp__allowance allowance;
};

/*
 * Reads argv (and the file it names, or the default file when there are no arguments).
 *
 * Goes on with *conf, or exits: the reason or the help text has been printed and there is nothing
 * to release.  Password and key in argv are overwritten so that ps does not show them; the options
 * of a plugin stay.
 */
enum ssp__next ss_conf_read(struct ss_conf *conf, enum ss_program program, int argc, char **argv,
                            int *status);

/* A program that runs, as the next function reads it. */
struct ss_conf_source {
    int argc;
    char *const *argv;       /* copies are read */
    const char *path;        /* the file that was read at the start; NULL: none */
    const atomic_bool *stop; /* reading is given up soon after it is true; NULL: never, and it may
                                wait for pipes */
};

/* The same while the program runs; argv stays as it is. */
enum ssp__next ss_conf_read_again(struct ss_conf *conf, enum ss_program program,
                                  const struct ss_conf_source *source, int *status);

/* Wipes password and key, which are not used after the main key has been derived. */
void ss_conf_forget_key(struct ss_conf *conf);

/* Copies all but the lists.  Returns 0, or -1 when memory is out; *out is to be released. */
int ss_conf_copy(struct ss_conf *out, const struct ss_conf *conf);

/* Wipes secrets and releases everything.  Zero is a valid empty conf. */
void ss_conf_release(struct ss_conf *conf);

#endif
