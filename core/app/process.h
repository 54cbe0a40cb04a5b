/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - the parts that the instances of a process share: log, background, limits, loop,
 * privileges, and readiness.
 */
#ifndef SS_APP_PROCESS_H
#define SS_APP_PROCESS_H

#include "app/activation.h"
#include "app/heartbeat.h"
#include "app/salts.h"
#include "app/takeover.h"
#include "conf/compare.h"
#include "crypto/vault.h"
#include "engine/engine.h"
#include "plugin/control.h"

struct ss_access_log;
struct ss_instance;
struct ss_store;
struct ss_upstreams;

/* Zero is a closed one. */
struct ss_process {
    struct ssp__program program;
    struct ssp__daemon daemon;
    struct ss_access *accesses;     /* lists in use, owned */
    struct ss_access *staged;       /* those of a reload that goes on; borrowed */
    struct ss_upstreams *upstreams; /* sets of servers that its clients have */
    struct ssp__own_addresses own;
    struct ss_vault vault;            /* keys of its servers */
    struct ss_store *store;           /* of its fleet; NULL: none */
    struct ss_salts *salts;           /* their memory over a restart; NULL: none */
    struct ss_access_log *access_log; /* NULL: none */
    unsigned serving;                 /* instances */
    unsigned starting; /* of them, and the process itself, that have neither begun nor failed */
    unsigned unready;  /* the same that do not serve clients yet */
    bool announced;    /* all have served clients once */
    struct ss_heartbeat heartbeat;
    struct ss_activation activation;
    struct ss_takeover takeover;
    struct ss_instance *retired;  /* they have sessions still; owned */
    uint8_t secret[SS_KEY_PRINT]; /* of the prints of keys */
};

/* Opens log and loop, and goes to the background, as conf (borrowed for its life) says.  Returns 0,
 * or -1 after a log line; ss_process_close() is due either way. */
int ss_process_open(struct ss_process *process, enum ss_program program,
                    const struct ss_conf *conf);

/* The socket that listens at a path, which is the caller's, with its file: one that was handed
 * over, or a new one.  Returns it, or -1 with a sentence in why. */
int ss_process_listen_at(struct ss_process *process, struct ssp__control *file, const char *path,
                         char *why, size_t why_cap);

/* Gives up root, if conf says so.  Returns 0, or -1 after a log line. */
int ss_process_drop_privileges(const struct ss_conf *conf, enum ss_program program);

/* Gives up system calls, of which executing programs is one. */
void ss_process_restrict_calls(void);

/* An instance joins, and leaves when it is closed or has failed.  In between it says once that it
 * has started, be it to try again and again, and once that clients are served. */
void ss_process_join(struct ss_process *process);
void ss_process_started(struct ss_process *process);
void ss_process_ready(struct ss_process *process);
void ss_process_leave(struct ss_process *process);

/* An instance that has left has failed: the process ends with SS_EXIT_FATAL if it was the last. */
void ss_process_failed(struct ss_process *process);

/* Runs until stopped.  Returns the exit status. */
int ss_process_run(struct ss_process *process);

/* Its instances are closed. */
void ss_process_close(struct ss_process *process);

#endif
