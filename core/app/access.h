/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - the access list of an instance: where a client takes each target, and which clients
 * are served.  A reload reads the file again; sessions go on.
 */
#ifndef SS_APP_ACCESS_H
#define SS_APP_ACCESS_H

#include "acl/acl.h"
#include "app/instance.h"

#include <pthread.h>

/* Instances of one process share the list of a file. */
struct ss_access {
    struct ss_access *next;
    char *path; /* absolute */
    struct ss_acl *acl;
    pthread_mutex_t lock; /* while pac is made */
    char *pac;            /* the list for browsers; NULL: none was asked for since it was read */
    size_t pac_len;
    unsigned holders; /* instances */
};

/* Reads the access list of the configuration, if it names one.  Returns 0, or -1 after a log line.
 */
int ss_access_open(struct ss_instance *instance);
void ss_access_leave(struct ss_instance *instance); /* accepts one without */

/* Reads the files of all lists again; one with a mistake is not replaced.  Logs. */
void ss_access_reload(struct ss_process *process);

/* Adds the list at name, unless it is there: to be staged.  May run in another thread.  Returns 0,
 * or -1 with the reason. */
enum { SS_ACCESS_WHY_MAX = 512 };
int ss_access_read(struct ss_access **staged, const char *name, char why[SS_ACCESS_WHY_MAX]);

/* The lists of process->staged replace the rules of those of the same file; a list that no instance
 * has is freed. */
void ss_access_commit(struct ss_process *process);

void ss_access_free(struct ss_access *list); /* all of a process; accepts NULL */

/* The list in use, or NULL. */
const struct ss_acl *ss_access_list(const struct ss_instance *instance);

/* The list as a function of JavaScript, see acl/pac.h; NULL without a list. */
const char *ss_access_pac(const struct ss_instance *instance, size_t *len);

/* The way of a client's target. */
enum ss_way {
    SS_WAY_SERVER, /* through the server, as without an access list */
    SS_WAY_DIRECT, /* *plan leads to the target */
    SS_WAY_NONE    /* nothing else is to be dialed */
};

/* Asked first by the plan of every client, for TCP and UDP.  Fills *plan for SS_WAY_DIRECT; for
 * SS_WAY_SERVER *failed is the number of dials to the server that failed. */
enum ss_way ss_access_plan(const struct ss_instance *instance, const struct ssp__plan_query *query,
                           struct ssp__plan *plan, unsigned *failed);

/* Whether a server serves that client, with a log line if not: ssp__service.admit of an instance
 * with an access list. */
bool ss_access_admit(const void *instance, const struct ssp__address *client,
                     struct ssp__log_limit *refusals);

#endif
