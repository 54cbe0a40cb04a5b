/* SPDX-License-Identifier: Apache-2.0 */
#include "app/rendezvous.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int read_path(struct ss_rendezvous *r, const char *text, char *why, size_t why_cap)
{
    struct sockaddr_un *a = &r->u.path;
    size_t len = strlen(text);
    if (len >= sizeof a->sun_path) {
        (void)snprintf(why, why_cap, "the path is longer than %zu characters",
                       sizeof a->sun_path - 1);
        return -1;
    }
    a->sun_family = AF_UNIX;
    memcpy(a->sun_path, text, len + 1);
    r->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

int ss_rendezvous_read(struct ss_rendezvous *r, const char *text, char *why, size_t why_cap)
{
    struct ssp__endpoint e;
    struct ssp__address list[SSP_LOOKUP_MAX];
    *r = (struct ss_rendezvous){.len = 0};
    bool path = strchr(text, '/') != NULL || ssp__endpoint_parse(&e, text, 0) == -1 || e.port == 0;
    if (path)
        return read_path(r, text, why, why_cap);
    if (ssp__lookup(&e, SOCK_DGRAM, list, why, why_cap) < 1)
        return -1;
    memcpy(&r->u, &list[0].u, list[0].len);
    r->len = list[0].len;
    return 0;
}

bool ss_rendezvous_local(const struct ss_rendezvous *r)
{
    struct ssp__address a = {.len = r->len};
    if (r->u.any.sa_family == AF_UNIX)
        return true;
    memcpy(&a.u, &r->u, sizeof a.u);
    return ssp__address_loopback(&a);
}
