/* SPDX-License-Identifier: Apache-2.0 */
/*
 * where.h - converts the lists of names of SIP003 to the one numeric address that a transport
 * takes.
 */
#ifndef PT_WRAP_WHERE_H
#define PT_WRAP_WHERE_H

#include "pt-wrap/place.h"

/* hosts and port as in SS_*; listen: selects from several the address that serves most.  Resolves a
 * name, which blocks.  Returns 0, or an exit status with a sentence in why. */
int pt_where(struct pt_place *place, const char *hosts, const char *port, bool listen, char *why,
             size_t why_cap);

#endif
