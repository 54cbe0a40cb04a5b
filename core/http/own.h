/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own.h - what the proxy answers to requests for itself: "/", its status, "/proxy.pac", and
 * "/metrics", which a port without a proxy has, too.
 *
 * A page of another site could have its name lead here (DNS rebinding): the Host of a request is
 * localhost or an address, and of loopback unless the pages are for other machines, too.
 */
#ifndef SS_HTTP_OWN_H
#define SS_HTTP_OWN_H

#include "http/request.h"
#include "http/status.h"
#include "proto/entrance.h"

#include <stdio.h>

struct ss_pages {
    bool anywhere;                              /* they are for other machines, too */
    const struct ss_status *(*look)(void *arg); /* NULL: there are no pages but the metrics */
    /* The function direct(host) of an access list, see acl/pac.h, with its length; NULL: there is
     * none, and names without a domain are not for the proxy.  May be NULL itself. */
    const char *(*rules)(void *arg, size_t *len);
    /* Around the writing of a page: the others wait; NULL: there is one thread. */
    void (*hold)(void *arg, bool on);
    /* Writes metrics for "/metrics"; NULL: there are none. */
    void (*metrics)(void *arg, FILE *out);
    bool by_path; /* clients come by a UNIX socket, to which no name leads */
    void *arg;    /* borrowed */
};

/* Makes the answer, head and body; close: the connection ends behind it.  Returns memory to be
 * freed, and *len; NULL when memory is out. */
char *ss_own_answer(const struct ss_entrance *entrance, const struct ss_http_request *request,
                    bool close, size_t *len);

#endif
