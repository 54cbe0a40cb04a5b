/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.h - a bridge line as Tor writes it: [Bridge] transport address:port [FINGERPRINT] k=v k=v
 */
#ifndef PT_WRAP_BRIDGE_H
#define PT_WRAP_BRIDGE_H

#include "pt-wrap/args.h"
#include "pt-wrap/place.h"

/* The characters of C identifiers. */
enum { PT_NAME_MAX = 64 };

struct pt_bridge {
    char transport[PT_NAME_MAX];
    struct pt_place place;
};

/* True for a C identifier, which names of transports are. */
bool pt_name_valid(const char *name);

/* Its arguments are added to args.  Returns 0, or -1 with a sentence in why. */
int pt_bridge_read(struct pt_bridge *bridge, struct pt_args *args, const char *line, char *why,
                   size_t why_cap);

#endif
