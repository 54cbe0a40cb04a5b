/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stages.h - "1=obfs-local;1.obfs=http;2=/usr/bin/ss-v2ray-plugin;2.host=b.com" as a list.
 *
 * Stage 1 is nearest to Shadowsocks, at both ends.
 */
#ifndef CHAIN_STAGES_H
#define CHAIN_STAGES_H

#include "chain/items.h"

#include <ssplugin/codec.h>
#include <ssplugin/env.h>

enum { STAGES_MAX = 16, STAGES_DEPTH_MAX = 8, STAGES_PATH_MAX = 4096 };

struct stage {
    char *name;             /* as it was given */
    const ssp_codec *codec; /* it is built in; else NULL and a program: */
    char path[STAGES_PATH_MAX];
    struct items options;
};

/* Zero is valid and empty. */
struct stages {
    struct stage stage[STAGES_MAX];
    unsigned n;
    ssp_role role; /* as an option says it */
    unsigned start_ms;
};

/* The process of the chain itself. */
struct stages_self {
    const char *path;      /* its own file: a stage with this file is a chain, too */
    const char *directory; /* that file's: programs are looked up here first */
    unsigned depth;        /* the number of chains around it */
};

/* Reads and checks everything, programs included, also those of chains inside the chain.  Returns
 * 0, or -1 with a sentence in why. */
int stages_read(struct stages *stages, const char *options, const struct stages_self *self,
                char *why, size_t why_cap);

/* The role of the chain.  Built-in stages with only one role decide when neither host nor options
 * set it.  Returns it, or SSP_ROLE_UNKNOWN with a sentence in why: such a stage contradicts. */
ssp_role stages_role(const struct stages *stages, const ssp_env *env, const char *name, char *why,
                     size_t why_cap);

/* Reads the options of the built-in stages, and the files that these name.  Returns 0, or -1 with a
 * sentence in why. */
int stages_check(const struct stages *stages, ssp_role role, char *why, size_t why_cap);

void stages_release(struct stages *stages);

#endif
