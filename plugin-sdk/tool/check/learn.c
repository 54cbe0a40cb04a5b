/* SPDX-License-Identifier: Apache-2.0 */
#include "check/learn.h"

#include "check/hostbed.h"
#include "check/rows.h"
#include "check/testbed.h"
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

void learn_options(struct fixture *fixture)
{
    struct subject *each[] = {&fixture->client, &fixture->server};
    for (size_t i = 0; i < 2; i++) {
        if (each[i]->echo_option == NULL)
            each[i]->echo_option = guess(shows, each[i]->options);
        if (each[i]->enum_option == NULL)
            each[i]->enum_option = guess(words, each[i]->options);
    }
}

static bool listens_by_udp(const struct testbed *s)
{
    struct socket_seen seen[SOCKETS_MAX];
    unsigned n = process_sockets(&s->plugin, seen, SOCKETS_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (!seen[i].udp && ssp__address_port(&seen[i].address) == testbed_port(s))
            return false;
    }
    return true;
}

static bool learn_one(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    struct baseline *l = &fixture->baseline;
    char fate[FATE_MAX];
    testbed_init(&s, fixture, role);
    bool listens = testbed_start(&s, PATIENCE_MS) == LISTENS;
    if (listens && role == SSP_CLIENT)
        l->flight_len = testbed_flight(&s, FLIGHT_MS, l->flight, sizeof l->flight);
    if (listens && role == SSP_SERVER)
        l->server_by_udp = listens_by_udp(&s);
    evidence_add(e, "%s %s", role == SSP_SERVER ? "server" : "client",
                 listens ? "listens" : process_fate(&s.plugin, fate, sizeof fate));
    testbed_end(&s, e);
    return listens;
}

static bool learn_pair(struct fixture *fixture, struct evidence *e)
{
    struct testbed s;
    char why[WHY_MAX] = "the client does not listen any more";
    fixture->baseline.pair_works = true; /* or the testbed would leave out the other end */
    testbed_init(&s, fixture, SSP_CLIENT);
    bool works = testbed_start(&s, PATIENCE_MS) == LISTENS &&
                 testbed_serve(&s, PATIENCE_MS, why, sizeof why) == SERVED;
    if (!works)
        evidence_add(e, "pair: %s", why);
    testbed_end(&s, e);
    return works;
}

enum outcome learn(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct baseline *l = &fixture->baseline;
    (void)role;
    l->client_listens = fixture->client.path != NULL && learn_one(fixture, SSP_CLIENT, e);
    l->echo_shows = l->client_listens && option_shows(fixture);
    l->server_listens = fixture->server.path != NULL && learn_one(fixture, SSP_SERVER, e);
    l->pair_works = l->client_listens && l->server_listens && learn_pair(fixture, e);
    bool all = (fixture->client.path == NULL || l->client_listens) &&
               (fixture->server.path == NULL || l->server_listens);
    return all ? PASS : FAIL;
}

enum outcome learn_host(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    fixture->baseline.host_works = hostbed_up(&b, e);
    hostbed_end(&b, e);
    return fixture->baseline.host_works ? PASS : FAIL;
}
