/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h - the set-up of a traffic check: client -> client plugin -> middle -> server plugin ->
 * backend.
 */
#ifndef SSP_CHECK_RIG_H
#define SSP_CHECK_RIG_H

#include "check/backend.h"
#include "check/check.h"
#include "check/client.h"
#include "check/middle.h"
#include "check/process.h"

/* Its parts. */
enum rig_parts {
    RIG_CLIENT = 1, /* the client plugin */
    RIG_SERVER = 2, /* the server plugin */
    RIG_MIDDLE = 4, /* in front of the server plugin; without it the plugins talk directly */
    RIG_PAIR = RIG_CLIENT | RIG_SERVER,
    RIG_ALL = RIG_PAIR | RIG_MIDDLE
};

struct rig {
    struct fixture *fixture;
    unsigned parts;
    struct scene scene;
    struct backend backend;
    struct middle middle;
    struct process client, server;
    uint16_t client_port, server_port; /* where the plugins listen; 0: not a part */
    const char *const *environment;    /* as in struct launch; the caller's, before rig_open() */
    uint64_t seed;                     /* of the next order */
    bool late;                         /* a time limit was met */
    bool intruded; /* bytes of others may come to the backend, also long after they were sent */
};

/*
 * Starts the parts and waits until the plugins listen.  rig is zeroed or carries environment only.
 * PASS: it stands; else the outcome of the check, with its evidence.  rig_close() follows in either
 * case.
 */
enum outcome rig_open(struct rig *rig, struct fixture *fixture, unsigned parts, struct evidence *e);
void rig_close(struct rig *rig);

/* A whole check: opens the rig, plays, checks that the plugins still run, and closes it. */
typedef enum outcome rig_play_fn(struct rig *rig, struct evidence *e);
enum outcome rig_run(struct fixture *fixture, unsigned parts, rig_play_fn *play,
                     struct evidence *e);

/* scene_run(), which notes in rig->late when the test does not come to hold. */
bool rig_await(struct rig *rig, unsigned limit_ms, scene_test_fn *test, void *arg);

/* The next order, with a seed of its own. */
struct order rig_order(struct rig *rig, uint64_t up, uint64_t down, enum order_when when);

/* One client at the client plugin's port until it is settled.  True when it is served within the
 * time; why is "" then, else what was seen at both ends.  The bytes of others count against it,
 * unless the rig is intruded. */
bool rig_serve(struct rig *rig, const struct order *order, unsigned limit_ms, char *why,
               size_t cap);

/* The backend has received bytes of clients only. */
bool rig_clean(const struct rig *rig);

/* Describes what the client and the backend saw of one order, for evidence. */
void rig_blame(const struct rig *rig, const struct client *client, char *why, size_t cap);

/* False, with the fate of the plugin in e, when one has ended. */
bool rig_alive(struct rig *rig, struct evidence *e);

#endif
