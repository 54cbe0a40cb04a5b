/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testbed.h - one plugin under test between an application, the wire and a backend.
 *
 *   application -> front [client plugin] -> wire [server plugin] -> back
 *
 * The other plugin of the pair takes part when there is one that works; without it the harness
 * stands in for it, and can only see whether the client's bytes come out on the wire.
 */
#ifndef SSP_TOOL_TESTBED_H
#define SSP_TOOL_TESTBED_H

#include "check/process.h"

enum { TESTBED_LINKS = 64, TESTBED_LISTENERS = 4, START_MS = 3000, TRIP_MS = 5000 };

struct testbed {
    const struct fixture *fixture;
    ssp_role role;
    const char *front_host, *wire_host, *back_host; /* numeric; 127.0.0.1 */
    uint16_t front, wire, back;
    struct launch launch; /* of the plugin under test: may be changed before testbed_start() */
    struct process plugin;
    struct process mate;             /* the other end, when it takes part; pid 0: it does not */
    bool alone;                      /* the other end is not to take part */
    int listener[TESTBED_LISTENERS]; /* where connections come out: at back, or on the wire */
    unsigned listeners;
    int link[2 * TESTBED_LINKS]; /* connections held open, both ends */
    unsigned links;
    unsigned came_out; /* the listener at which the last connection came out */
    bool spoke;        /* the client alone has sent something over the wire */
    bool late;         /* a time limit was met */
};

/* Reserves ports and prepares the launch.  Ends the process when there are no ports left. */
void testbed_init(struct testbed *s, const struct fixture *fixture, ssp_role role);

/* Prepares the launch again after a change of the hosts. */
void testbed_relaunch(struct testbed *s);

/* Ends everything, and notes in e, which may be NULL, whether a time limit was met on the way.  May
 * be used again after testbed_init(). */
void testbed_end(struct testbed *s, struct evidence *e);

/* Starts the plugin and waits until it listens on its port.  Ends the process when the program is
 * gone. */
enum listening testbed_start(struct testbed *s, unsigned ms);

/* The port on which it has to listen. */
uint16_t testbed_port(const struct testbed *s);

/* Listens on one more host of the side where connections come out.  Returns 0, or -1 with errno. */
int testbed_listen(struct testbed *s, const char *host);

/* It carries bytes, it does not, or this cannot be observed: a server without a client. */
enum served { SERVED, NOT_SERVED, UNSEEN };

/* One round trip through the pair, or one first flight of the client alone.  A client alone may
 * send nothing on later connections, since no server answers it.  why, of at least 160 bytes,
 * describes the result. */
enum served testbed_serve(struct testbed *s, unsigned ms, char *why, size_t cap);

/* The same without the other end; what comes out is written to bytes, until nothing follows for a
 * moment.  Returns the number of bytes. */
size_t testbed_flight(struct testbed *s, unsigned ms, uint8_t *bytes, size_t cap);

/* Opens n connections that carry bytes and stay open.  Returns how many came out behind. */
unsigned testbed_hold(struct testbed *s, unsigned n);

/* testbed_start() and what it is worth: adds a clause that begins with what, and gives PASS when
 * the plugin listens, and then serves as far as that can be seen. */
enum outcome testbed_works(struct testbed *s, const char *what, struct evidence *e);

/* Starts the plugin, which has to exit with another status than 0 within ms, without listening
 * anywhere.  The same clause. */
enum outcome testbed_refuses(struct testbed *s, const char *what, unsigned ms, struct evidence *e);

/* FAIL when one of both is. */
enum outcome worse(enum outcome a, enum outcome b);

#endif
