/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs.h - an instance begins as one of the programs: its key, its services, its listeners.
 */
#ifndef SS_APP_PROGRAMS_H
#define SS_APP_PROGRAMS_H

#include "app/instance.h"

/* Reads the key, which conf forgets, fills the services, and listens; clients are served while the
 * process runs.  Returns 0, or -1 after a log line; ss_instance_close() is due either way. */
int ss_instance_open(struct ss_instance *instance, struct ss_process *process,
                     enum ss_program program, struct ss_conf *conf);

/* Stops its plugins, and releases everything; for a client, what no other has. */
void ss_instance_close(struct ss_instance *instance);

/* How each program serves: its services, listeners and plugins.  Returns 0, or -1 after a log
 * line. */
int ss_local_serve(struct ss_instance *instance);
int ss_redir_serve(struct ss_instance *instance);
int ss_server_serve(struct ss_instance *instance);
int ss_tunnel_serve(struct ss_instance *instance);

/* The plugin of the server that this one replaces, which has been lent while it was opened, is its
 * own from now on. */
void ss_server_take_plugin(struct ss_instance *instance, struct ss_instance *former);

/* Refuses what this build does not support.  Returns 0, or -1 after a log line. */
int ss_programs_refuse(const struct ss_conf *conf);

#endif
