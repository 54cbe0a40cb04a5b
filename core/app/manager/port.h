/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - a port of ss-manager: a server in this process, or a process of its own.
 */
#ifndef SS_APP_MANAGER_PORT_H
#define SS_APP_MANAGER_PORT_H

#include "app/instance.h"
#include "app/manager/child.h"
#include "app/manager/manager.h"

/* The conf of a server, and the server itself unless it is a process of its own. */
struct ss_served;

/* Owned, and but for the method secrets. */
struct ss_port_texts {
    char *settings; /* a JSON object, of which the server is made */
    char *password, *method;
};

struct ss_port {
    struct ss_manager *manager; /* borrowed */
    uint16_t number;
    bool configured;                  /* by the configuration, not by a request: it is not kept */
    struct ss_port_texts now, former; /* to go back to when a plugin does not start */
    struct ss_served *served;         /* NULL: it has failed */
    struct ss_child child;
    uint64_t reported;        /* bytes, by the child */
    bool leaving;             /* removed: only its child is left, which is to end */
    bool waiting;             /* for the plugin of `now` */
    struct ss_asker asker;    /* who waits for the plugin; at.len 0: no request does */
    struct ssp__timer failed; /* the server has ended by itself */
};

enum ss_port_verdict {
    SS_PORT_SERVES,
    SS_PORT_WAITS, /* for its plugin: settled() of the manager tells */
    SS_PORT_TAKEN, /* by another process */
    SS_PORT_REFUSED
};

/*
 * Makes the settings those of a port, which is there already or new.  Where no plugin is concerned
 * its sockets stay open; a port whose new settings are refused goes on with the old ones.
 */
enum ss_port_verdict ss_port_put(struct ss_manager *m, uint16_t number, const char *settings,
                                 bool configured);

/* Writes its settings to its file, from which it comes back after a restart. */
void ss_port_keep(const struct ss_port *port);

/* Ends its server and forgets it; ss_port_remove() also what is kept of it, and does not wait for a
 * child: the port is leaving until that has ended. */
void ss_port_remove(struct ss_port *port);
void ss_port_free(struct ss_port *port);

/* Its server, or NULL when that is another process or has failed. */
const struct ss_instance *ss_port_instance(const struct ss_port *port);

/* Bytes since the server began. */
uint64_t ss_port_bytes(const struct ss_port *port);

#endif
