/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - the processes of a chain, connected by loopback ports, as one unit.
 */
#ifndef CHAIN_RUN_H
#define CHAIN_RUN_H

#include "chain/processes.h"

/* A process starts after the one that it dials: a client starts the farthest process first, and
 * last the one that Shadowsocks dials; a server starts the one that dials Shadowsocks first, and
 * the public one last.
 *
 * All are borrowed.  Returns the exit status for the process. */
int chain_run(const ssp_env *env, ssp_role role, const struct stages *stages,
              const struct processes *processes, const struct stages_self *self);

#endif
