/* SPDX-License-Identifier: Apache-2.0 */
#include "check/learn.h"

#include "check/rows.h"
#include "check/stage.h"
#include "check/wording.h"

#include <stdio.h>

enum { PATIENCE_MS = 10000, FLIGHT_MS = 2000, FATE_MAX = 96, WHY_MAX = 200 };

/* Options of plugins in the field: when the first is given, the second is known too. */
static const struct hint {
    const char *given, *option;
} shows[] = {{"obfs-host", "obfs-host"},
             {"obfs", "obfs-host"},
             {"host", "host"},
             {"path", "path"},
             {NULL, NULL}},
  words[] = {{"obfs", "obfs"}, {"mode", "mode"}, {NULL, NULL}};

static const char *guess(const struct hint *hints, const char *options)
{
    bool valued;
    for (; hints->given != NULL; hints++) {
        if (wording_has(options, hints->given, &valued) && valued)
            return hints->option;
    }
    return NULL;
}

void learn_options(struct lab *lab)
{
    struct subject *each[] = {&lab->client, &lab->server};
    for (size_t i = 0; i < 2; i++) {
        if (each[i]->echo_option == NULL)
            each[i]->echo_option = guess(shows, each[i]->options);
        if (each[i]->enum_option == NULL)
            each[i]->enum_option = guess(words, each[i]->options);
    }
}

static bool listens_by_udp(const struct stage *s)
{
    struct socket_seen seen[SOCKETS_MAX];
    unsigned n = process_sockets(&s->plugin, seen, SOCKETS_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (!seen[i].udp && ssp__address_port(&seen[i].address) == stage_port(s))
            return false;
    }
    return true;
}

static bool learn_one(struct lab *lab, ssp_role role, struct evidence *e)
{
    struct stage s;
    struct learnt *l = &lab->learnt;
    char fate[FATE_MAX];
    stage_init(&s, lab, role);
    bool listens = stage_start(&s, PATIENCE_MS) == LISTENS;
    if (listens && role == SSP_CLIENT)
        l->flight_len = stage_flight(&s, FLIGHT_MS, l->flight, sizeof l->flight);
    if (listens && role == SSP_SERVER)
        l->server_by_udp = listens_by_udp(&s);
    evidence_add(e, "%s %s", role == SSP_SERVER ? "server" : "client",
                 listens ? "listens" : process_fate(&s.plugin, fate, sizeof fate));
    stage_end(&s, e);
    return listens;
}

static bool learn_pair(struct lab *lab, struct evidence *e)
{
    struct stage s;
    char why[WHY_MAX] = "the client does not listen any more";
    lab->learnt.pair_works = true; /* or the stage would do without the other end */
    stage_init(&s, lab, SSP_CLIENT);
    bool works = stage_start(&s, PATIENCE_MS) == LISTENS &&
                 stage_serve(&s, PATIENCE_MS, why, sizeof why) == SERVED;
    if (!works)
        evidence_add(e, "pair: %s", why);
    stage_end(&s, e);
    return works;
}

enum outcome learn(struct lab *lab, ssp_role role, struct evidence *e)
{
    struct learnt *l = &lab->learnt;
    (void)role;
    l->client_listens = lab->client.path != NULL && learn_one(lab, SSP_CLIENT, e);
    l->echo_shows = l->client_listens && option_shows(lab);
    l->server_listens = lab->server.path != NULL && learn_one(lab, SSP_SERVER, e);
    l->pair_works = l->client_listens && l->server_listens && learn_pair(lab, e);
    bool all = (lab->client.path == NULL || l->client_listens) &&
               (lab->server.path == NULL || l->server_listens);
    return all ? PASS : FAIL;
}
