/* SPDX-License-Identifier: Apache-2.0 */
/*
 * where.h - from what SIP003 has, lists of names, to the one numeric address that a transport
 * takes.
 */
#ifndef PT_WRAP_WHERE_H
#define PT_WRAP_WHERE_H

#include "pt-wrap/place.h"

/* hosts and port as in SS_*; listen: of several the one that serves most.  A name is looked up,
 * which blocks.  Returns 0, or a status to end with and a sentence in why. */
int pt_where(struct pt_place *place, const char *hosts, const char *port, bool listen, char *why,
             size_t why_cap);

#endif
