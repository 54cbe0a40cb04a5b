/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - the contract and the options of pt-wrap, checked and completed.
 */
#ifndef PT_WRAP_WISH_H
#define PT_WRAP_WISH_H

#include "pt-wrap/args.h"
#include "pt-wrap/bridge.h"
#include "pt-wrap/place.h"
#include "pt-wrap/state.h"

#include "wrap/options.h"
#include "wrap/words.h"

#include <ssplugin/env.h>

#include <stdbool.h>

enum { PT_HOST_MAX = 256 };

struct pt_request {
    const ssp_env *env;
    ssp_role role;
    struct wrap_items items; /* storage of the texts below */

    const char *exec, *transport, *state, *proxy, *bind_v4, *bind_v6, *bridge;
    int ext_orport, proxy_protocol, verbose;
    unsigned start_s;   /* the transport program must be ready within this */
    unsigned socks_s;   /* client: a connection must stand within this */
    unsigned timeout_s; /* of an idle connection; 0: the default of the toolkit */

    struct words words;        /* exec, split */
    char program[PT_PATH_MAX]; /* words.word[0], found */
    struct pt_args args;
    char *socks_args;        /* client: as SOCKS carries them; NULL: none */
    char named[PT_NAME_MAX]; /* the transport of a bridge line */

    char remote[PT_HOST_MAX];     /* the first of the servers */
    struct pt_place listen, dial; /* server: numeric, for the transport */
};

/* name is argv[0]; env is borrowed.  Returns 0, or an exit status with a sentence in why.  To be
 * released in either case. */
int pt_wish_read(struct pt_request *request, const ssp_env *env, const char *name, char *why,
                 size_t why_cap);

void pt_wish_release(struct pt_request *request);

#endif
