/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - the contract and the options of exec-wrap, checked.
 */
#ifndef EXEC_WRAP_WISH_H
#define EXEC_WRAP_WISH_H

#include "wrap/words.h"

#include <ssplugin/host.h>

enum { WISH_HOST_MAX = 256, WISH_PATH_MAX = 4096 };

struct request {
    const ssp_env *env;
    ssp_role role;
    struct words words;
    char local_host[WISH_HOST_MAX], remote_host[WISH_HOST_MAX]; /* the first ones of their lists */
    char program[WISH_PATH_MAX];                                /* words.word[0], found */
    ssp_ready ready;
    ssp_mode mode; /* with SSP_READY_LISTENS: the listeners that must be there */
    unsigned start_ms;
    bool passes_hup; /* to the command */
};

/* name is that of the program, argv[0]; env is borrowed.  Returns 0, or an exit status with a
 * sentence in why.  To be released in either case. */
int request_read(struct request *request, const ssp_env *env, const char *name, char *why,
                 size_t why_cap);

void request_release(struct request *request);

#endif
