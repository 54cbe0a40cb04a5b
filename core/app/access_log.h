/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_log.h - the access log of a process: a line for each connection that has ended, and for
 * each association of UDP.
 *
 * A thread writes, so that a slow disk holds no client.  Lines wait in a buffer of bounded size;
 * those that find no room in it, or none on the disk, are lost, which is told and counted.
 */
#ifndef SS_APP_ACCESS_LOG_H
#define SS_APP_ACCESS_LOG_H

#include "conf/conf.h"
#include "engine/engine.h"

struct ss_access_log;
struct ss_instance;

/* Prepares the log of conf, if it has one; lines are lost until it begins.  Returns 0, or -1 after
 * a log line. */
int ss_access_log_open(struct ss_access_log **log, const struct ss_conf *conf);

/* Opens the file, with the rights that the process has now.  Accepts NULL.  Returns 0, or -1 after
 * a log line. */
int ss_access_log_begin(struct ss_access_log *log);

/* A file of another process has moved it away: another one is opened at its path.  Accepts NULL. */
void ss_access_log_reopen(struct ss_access_log *log);

/* The ssp__access_log.note of an instance. */
void ss_access_log_note(void *instance, const struct ssp__access_record *record);

struct ss_access_counts {
    uint64_t lines, lost;
};
struct ss_access_counts ss_access_log_counts(struct ss_access_log *log);

void ss_access_log_close(struct ss_access_log *log); /* writes what waits; accepts NULL */

#endif
