/* SPDX-License-Identifier: Apache-2.0 */
#include "check/process.h"

#include <stdio.h>

void launch_init(struct launch *l, const struct fixture *fixture, ssp_role role, uint16_t front,
                 uint16_t back)
{
    const struct subject *s = fixture_subject(fixture, role);
    *l = (struct launch){.path = s->path,
                         .options = s->options,
                         .local_host = "127.0.0.1",
                         .remote_host = "127.0.0.1",
                         .role = role,
                         .says_role = !fixture->plain};
    (void)snprintf(l->front_text, sizeof l->front_text, "%u", front);
    (void)snprintf(l->back_text, sizeof l->back_text, "%u", back);
    *launch_front_port(l) = l->front_text;
    *launch_back_port(l) = l->back_text;
}

const char **launch_front_host(struct launch *l)
{
    return l->role == SSP_SERVER ? &l->remote_host : &l->local_host;
}

const char **launch_front_port(struct launch *l)
{
    return l->role == SSP_SERVER ? &l->remote_port : &l->local_port;
}

const char **launch_back_host(struct launch *l)
{
    return l->role == SSP_SERVER ? &l->local_host : &l->remote_host;
}

const char **launch_back_port(struct launch *l)
{
    return l->role == SSP_SERVER ? &l->local_port : &l->remote_port;
}
