/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - the application in front of the client plugin: sends an order and known bytes,
 * compares the answer.
 */
#ifndef SSP_CHECK_CLIENT_H
#define SSP_CHECK_CLIENT_H

#include "check/stream.h"

struct client {
    struct stream stream; /* first */
    struct order order;
};

/* Connects to port and begins. */
void client_open(struct client *client, struct scene *scene, uint16_t port,
                 const struct order *order);
void client_close(struct client *client); /* accepts one that is closed */

/* It has everything it ordered, and its end where it ordered one. */
bool client_served(const struct client *client);

/* It is served, or never will be: scene_test_fn on one client. */
bool client_settled(void *client);

/* Several clients that begin together. */
struct clients {
    struct client *client;
    unsigned n;
};

void clients_open(struct clients *clients, struct scene *scene, uint16_t port,
                  const struct order *order,
                  unsigned n); /* seeds count up from that of the order */
void clients_close(struct clients *clients);
bool clients_settled(void *clients);                                  /* scene_test_fn */
unsigned clients_served(const struct clients *clients);               /* how many */
const struct client *clients_unserved(const struct clients *clients); /* the first, or NULL */

#endif
