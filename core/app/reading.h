/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.h - the first part of a reload: everything that takes time and changes nothing.  It runs
 * beside the loop, which goes on.
 */
#ifndef SS_APP_READING_H
#define SS_APP_READING_H

#include "app/access.h"
#include "app/changes.h"
#include "app/serving.h"
#include "proto/users.h"

enum { SS_READING_WHY_MAX = 1024 };

/* One server, or listener, of the new configuration. */
struct ss_step {
    struct ss_users_change users; /* of a server: what its table gets and loses */
    struct ss_instance *former;   /* NULL: it is added */
    struct ss_instance *fresh;    /* while it is prepared; NULL: the former one is kept */
    bool counted;                 /* users is there */
};

/* Zero is an empty one. */
struct ss_reading {
    struct ss_generation *next; /* held */
    struct ss_access *accesses; /* the access lists that it names, owned */
    struct ss_change *change;   /* n of each */
    struct ss_step *step;
    size_t n;
    bool *gone; /* former of each */
    struct ss_instance **former;
    size_t formers;
    bool failed;
    char why[SS_READING_WHY_MAX]; /* if it has failed; else empty */
};

/* Reads the configuration of serving, which does not change meanwhile, and finds what is to be
 * done.  Warnings are logged.  It is given up soon after *stop is true. */
void ss_reading_make(struct ss_reading *reading, const struct ss_serving *serving,
                     const atomic_bool *stop);
void ss_reading_release(struct ss_reading *reading);

#endif
