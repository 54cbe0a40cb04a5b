/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - the processes of a chain, connected by loopback ports, as one unit.
 */
#ifndef CHAIN_RUN_H
#define CHAIN_RUN_H

#include "chain/links.h"

/* Client: the last link is started first, that where Shadowsocks comes in last; server: the link
 * that dials Shadowsocks first, the public one last.  So whoever listens has somebody behind it.
 *
 * All are borrowed.  Returns what the process should end with. */
int chain_run(const ssp_env *env, ssp_role role, const struct stages *stages,
              const struct links *links, const struct stages_self *self);

#endif
