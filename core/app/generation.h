/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation.h - a configuration, and the instances that were made of it: it lives as long as the
 * last of them.
 */
#ifndef SS_APP_GENERATION_H
#define SS_APP_GENERATION_H

#include "app/instance.h"

struct ss_generation {
    struct ss_conf conf;
    unsigned holders;
};

/* Holds it once, without a conf.  NULL when memory is out. */
struct ss_generation *ss_generation_new(void);
void ss_generation_leave(struct ss_generation *generation); /* accepts NULL */

/* The number of servers, or listeners, of its configuration, and the conf of one. */
size_t ss_generation_count(const struct ss_generation *generation);
struct ss_conf *ss_generation_conf(struct ss_generation *generation, size_t i);

/* The program that a conf of it is for, where the process is `program`. */
enum ss_program ss_generation_program(const struct ss_generation *generation, size_t i,
                                      enum ss_program program);

/* An instance of it, which holds it, for number i.  NULL when memory is out. */
struct ss_instance *ss_generation_instance(struct ss_generation *generation, size_t i);
void ss_generation_end_instance(struct ss_instance *instance); /* closes and frees it */

#endif
