/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - what a conformance check is, and what it is given.
 *
 * A check runs in a process of its own, with nothing but its fixture: it may block, and
 * processes that it leaves are killed when it returns.  It observes a plugin as any host would: by
 * its environment, its sockets, its exit status and the bytes it carries; a host by what it does to
 * a plugin.
 */
#ifndef SSP_TOOL_CHECK_H
#define SSP_TOOL_CHECK_H

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum level { MUST, SHOULD, MAY };

/* NOT_APPLICABLE needs a reason in the evidence, FAIL what was seen instead. */
enum outcome { PASS, FAIL, NOT_APPLICABLE };

/* The program that a check examines.  OF_EACH: client and server, separately; OF_HOST: a host of
 * either role. */
enum examined { OF_CLIENT, OF_SERVER, OF_EACH, OF_PAIR, OF_HOST, OF_CLIENT_HOST };

enum { EVIDENCE_MAX = 2048, FLIGHT_MAX = 8192 };

/* One line of observations: bytes, times, addresses, exit status, signals. */
struct evidence {
    char text[EVIDENCE_MAX];
    size_t len;
    bool full; /* what follows is lost */
    bool late; /* FAIL because of a time limit: worth one more attempt with the machine idle */
};

/* Adds a clause; clauses are joined by "; ".  An overlong line is cut and ends in "...".  All is
 * printable ASCII: other bytes become \xNN. */
void evidence_add(struct evidence *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Quotes bytes so that the text is unambiguous; out has room for four times n, and a NUL.  Returns
 * out. */
const char *evidence_quote(char *out, size_t cap, const void *bytes, size_t n);

/* A program under test. */
struct subject {
    ssp_role role;
    const char *path;        /* absolute; NULL: this end was not given */
    const char *options;     /* SS_PLUGIN_OPTIONS; NULL: unset */
    const char *echo_option; /* whose value shows in the client's first flight; NULL: none known */
    const char *enum_option; /* one of few words; NULL: none known */
};

/* A host under test. */
struct host {
    ssp_role role;
    const char *path;         /* absolute; NULL: plugins are examined */
    const char *const *words; /* behind argv[0], with holes, see hostbed.h; ended by NULL */
    const char *folder;       /* where the probes are */
};

/* Results of learn(), before the checks: how the subjects behave when all is well. */
struct baseline {
    bool client_listens, server_listens; /* within the time of check 1 */
    bool server_by_udp;                  /* its listening socket is a UDP one */
    bool pair_works;                     /* a round trip through both arrived */
    bool host_works;                     /* it starts its plugin, which listens */
    bool echo_shows;                     /* the client's echo option does show on the wire */
    uint8_t flight[FLIGHT_MAX]; /* the client's first flight, with payload in or behind it */
    size_t flight_len;          /* 0: the client sends nothing unasked, or no client */
};

struct fixture {
    struct subject client, server;
    struct host host;
    bool thorough; /* more repetitions, longer windows */
    bool plain;    /* SIP003's own variables only: no SS_PLUGIN_ROLE */
    struct baseline baseline;
};

/* The subject of a role. */
const struct subject *fixture_subject(const struct fixture *fixture, ssp_role role);

/* role is SSP_ROLE_UNKNOWN for a check of the pair. */
typedef enum outcome check_fn(struct fixture *fixture, ssp_role role, struct evidence *e);

struct check {
    unsigned number; /* of the tables in docs/sip003.md */
    enum level level;
    enum examined of;
    const char *title;
    check_fn *run;
};

/* Each table ends with a row without title. */
extern const struct check contract_checks[]; /* 1-14, 43: variables, options, arguments */
extern const struct check address_checks[];  /* 15-21 */
extern const struct check life_checks[];     /* 22-29 */
extern const struct check traffic_checks[];  /* 30-38, 42, 44 */
extern const struct check hostile_checks[];  /* 39-41 */

extern const struct check host_start_checks[]; /* 101-119: environment, start, readiness */
extern const struct check host_life_checks[];  /* 120-128: ends, output, extensions */

#endif
