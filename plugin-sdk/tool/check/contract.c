/* SPDX-License-Identifier: Apache-2.0 */
/* contract.c - checks 1 to 14 and 43: the variables, the command line, the output of a plugin. */
#include "check/rows.h"
#include "check/testbed.h"
#include "check/wording.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { REFUSE_MS = 2000, STAY_MS = 300, FATE_MAX = 96, LINE_MAX_BYTES = 4096 };

/* ---- 1 to 4: the four variables ---- */

/* The same address, also when one of both is written as an IPv6 one (RFC 4291, 2.5.5.2). */
static bool same_address(const struct ssp__address *a, const struct ssp__address *b)
{
    if (ssp__address_port(a) != ssp__address_port(b))
        return false;
    if (a->u.any.sa_family == AF_INET6 && b->u.any.sa_family == AF_INET)
        return IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr) &&
               memcmp(&a->u.v6.sin6_addr.s6_addr[12], &b->u.v4.sin_addr, 4) == 0;
    if (a->u.any.sa_family != b->u.any.sa_family)
        return false;
    return a->u.any.sa_family == AF_INET
               ? a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr
               : IN6_ARE_ADDR_EQUAL(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr);
}

static enum outcome listens_there(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct socket_seen seen[SOCKETS_MAX];
    struct ssp__address told;
    struct testbed s;
    char text[SSP_ADDRESS_TEXT_MAX];
    bool there = false;
    testbed_init(&s, fixture, role);
    (void)ssp__address_parse(&told, "127.0.0.1", testbed_port(&s));
    enum outcome outcome = testbed_works(&s, "four variables", e);
    unsigned n = outcome == PASS ? process_sockets(&s.plugin, seen, SOCKETS_MAX) : 0;
    for (unsigned i = 0; i < n; i++) {
        ssp__address_format(&seen[i].address, text, sizeof text);
        there = there || same_address(&seen[i].address, &told);
        if (ssp__address_port(&seen[i].address) == testbed_port(&s))
            evidence_add(e, "%s %s", seen[i].udp ? "UDP" : "TCP", text);
    }
    if (outcome == PASS && process_await_exit(&s.plugin, STAY_MS)) {
        evidence_add(e, "then %s", process_fate(&s.plugin, text, sizeof text));
        there = false;
    }
    testbed_end(&s, e);
    return outcome == PASS && !there ? FAIL : outcome;
}

/* Programs of one plugin meet on loopback, see P-1. */
static bool is_hop(const struct socket_seen *seen)
{
    return seen->by_child && !seen->udp && ssp__address_loopback(&seen->address);
}

static enum outcome listens_nowhere_else(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct socket_seen seen[SOCKETS_MAX];
    struct ssp__address told;
    struct testbed s;
    char text[SSP_ADDRESS_TEXT_MAX];
    testbed_init(&s, fixture, role);
    (void)ssp__address_parse(&told, "127.0.0.1", testbed_port(&s));
    enum outcome outcome = testbed_works(&s, "start", e);
    unsigned n = outcome == PASS ? process_sockets(&s.plugin, seen, SOCKETS_MAX) : 0, tcp = 0;
    unsigned hops = 0;
    for (unsigned i = 0; i < n; i++) {
        tcp += seen[i].udp ? 0 : 1;
        if (seen[i].udp || same_address(&seen[i].address, &told))
            continue;
        hops += is_hop(&seen[i]);
        if (is_hop(&seen[i]))
            continue;
        ssp__address_format(&seen[i].address, text, sizeof text);
        evidence_add(e, "listens on %s too", text);
        outcome = FAIL;
    }
    if (outcome == PASS)
        evidence_add(e, "%u listening TCP sockets, %u of them hops of its programs on loopback",
                     tcp, hops);
    testbed_end(&s, e);
    return outcome;
}

static enum outcome needs_all_four(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const char *const names[] = {"SS_LOCAL_HOST", "SS_LOCAL_PORT", "SS_REMOTE_HOST",
                                        "SS_REMOTE_PORT"};
    enum outcome all = NOT_APPLICABLE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct testbed s;
        testbed_init(&s, fixture, role);
        const char **fields[] = {&s.launch.local_host, &s.launch.local_port, &s.launch.remote_host,
                                 &s.launch.remote_port};
        char *what = wording("without %s", names[i]);
        *fields[i] = NULL;
        all = worse(all, testbed_refuses(&s, what, REFUSE_MS, e));
        testbed_end(&s, e);
        free(what);
    }
    return all;
}

/* Names that plugins in the field have for their addresses; few at a time, as some lose options
 * when there are many. */
static const char *const overrides[] = {
    "localAddr=127.0.0.2;localPort=%s;remoteAddr=127.0.0.2;remotePort=%s",
    "localaddr=127.0.0.2:%s;remoteaddr=127.0.0.2:%s",
    "listen=127.0.0.2:%s;target=127.0.0.2:%s",
    "local-host=127.0.0.2;local-port=%s;remote-host=127.0.0.2;remote-port=%s",
};

/* The names of the items, for the evidence. */
static const char *const override_names[] = {"localAddr, ...", "localaddr, ...", "listen, target",
                                             "local-host, ..."};

static char * override(size_t i, const char *port)
{
    const char *format = overrides[i], *hole = strstr(format, "%s"), *next = strstr(hole + 2, "%s");
    return wording("%.*s%s%.*s%s", (int)(hole - format), format, port, (int)(next - hole - 2),
                   hole + 2, port);
}

static enum outcome address_wins(struct fixture *fixture, ssp_role role, size_t i,
                                 struct evidence *e)
{
    struct testbed s;
    char fate[FATE_MAX], why[200];
    enum outcome outcome = FAIL;
    testbed_init(&s, fixture, role);
    char other[8];
    (void)snprintf(other, sizeof other, "%u", role == SSP_SERVER ? s.front : s.back);
    char *items = override(i, other),
         *options = wording_add(fixture_subject(fixture, role)->options, items);
    s.launch.options = options;
    enum listening how = testbed_start(&s, START_MS);
    if (how == LISTENS) {
        outcome = testbed_serve(&s, START_MS, why, sizeof why) == NOT_SERVED ? FAIL : PASS;
        evidence_add(e, "%s: listens on its port, %s", override_names[i], why);
    } else if (how == EXITED) {
        bool refused = WIFEXITED(s.plugin.status) && WEXITSTATUS(s.plugin.status) != 0;
        outcome = refused ? PASS : FAIL;
        evidence_add(e, "%s: %s", override_names[i], process_fate(&s.plugin, fate, sizeof fate));
    } else {
        evidence_add(e, "%s: does not listen on its port", override_names[i]);
    }
    testbed_end(&s, e);
    free(options);
    free(items);
    return outcome;
}

static enum outcome addresses_win(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    enum outcome all = NOT_APPLICABLE;
    for (size_t i = 0; i < sizeof overrides / sizeof *overrides; i++)
        all = worse(all, address_wins(fixture, role, i, e));
    return all;
}

/* ---- 14: the command line ---- */

static enum outcome takes_flags(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const char *const flags[][2] = {{"-V", NULL}, {"--fast-open", NULL}};
    enum outcome all = NOT_APPLICABLE;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct testbed s;
        char fate[FATE_MAX];
        testbed_init(&s, fixture, role);
        s.launch.arguments = flags[i];
        bool listens = testbed_start(&s, START_MS) == LISTENS;
        evidence_add(e, "%s: %s", flags[i][0],
                     listens ? "listens" : process_fate(&s.plugin, fate, sizeof fate));
        all = worse(all, listens ? PASS : FAIL);
        testbed_end(&s, e);
    }
    return all;
}

/* ---- 43: what it prints ---- */

#define SECRET "zz43-very-secret-word"

static bool in_command_line(const struct process *p)
{
    char path[64], text[8192];
    pid_t tree[TREE_MAX];
    bool found = false;
    unsigned n = process_tree(p, tree, TREE_MAX);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)tree[i]);
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        size_t len = fread(text, 1, sizeof text, file);
        (void)fclose(file);
        found = found || memmem(text, len, SECRET, strlen(SECRET)) != NULL;
    }
    return found;
}

static bool single_lines(const char *text, size_t len)
{
    size_t line = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' && c != '\n' && c != '\t' && c != '\r')
            return false;
        line = c == '\n' ? 0 : line + 1;
        if (line > LINE_MAX_BYTES)
            return false;
    }
    return line == 0;
}

/* One run from start to end, with an unknown option and a secret value; with a bad port it has to
 * complain. */
static enum outcome prints(struct fixture *fixture, ssp_role role, bool bad, struct evidence *e)
{
    struct testbed s;
    char why[200], fate[FATE_MAX];
    size_t len;
    testbed_init(&s, fixture, role);
    char *options = wording_add(fixture_subject(fixture, role)->options, "zz43-token=" SECRET);
    s.launch.options = options;
    if (bad)
        *launch_front_port(&s.launch) = "no-port";
    enum listening how = testbed_start(&s, bad ? REFUSE_MS / 2 : START_MS);
    if (how == LISTENS)
        (void)testbed_serve(&s, START_MS, why, sizeof why);
    bool shown = in_command_line(&s.plugin);
    (void)process_fate(&s.plugin, fate, sizeof fate);
    process_signal(&s.plugin, SIGTERM);
    (void)process_await_exit(&s.plugin, REFUSE_MS / 2);
    char *text = process_output(&s.plugin, &len, NULL);
    bool told = text != NULL && memmem(text, len, SECRET, strlen(SECRET)) != NULL;
    bool ansi = text != NULL && memchr(text, '\033', len) != NULL;
    bool lines = text == NULL || single_lines(text, len);
    evidence_add(e, "%s: %zu bytes printed%s%s%s%s", bad ? "bad port" : "normal life", len,
                 told ? ", a secret among them" : "", shown ? ", a secret in its arguments" : "",
                 ansi ? ", escape sequences" : "", lines ? "" : ", not in whole lines");
    if (!bad && how != LISTENS)
        evidence_add(e, "it did not start with an unknown option, see check 11: %s", fate);
    free(text);
    free(options);
    testbed_end(&s, e);
    return told || shown || ansi || !lines ? FAIL : PASS;
}

static enum outcome prints_decently(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    enum outcome normal = prints(fixture, role, false, e);
    return worse(normal, prints(fixture, role, true, e));
}

const struct check contract_checks[] = {
    {1, MUST, OF_EACH, "listens on exactly the given address within 3 s", listens_there},
    {2, MUST, OF_EACH, "listens nowhere else", listens_nowhere_else},
    {3, SHOULD, OF_EACH, "exits when one of the four variables is missing", needs_all_four},
    {4, SHOULD, OF_EACH, "options do not override the four variables", addresses_win},
    {5, MUST, OF_CLIENT, "\\; and \\= in options are decoded", option_escapes},
    {6, MUST, OF_CLIENT, "\\\\ in options is one backslash", option_backslash},
    {7, SHOULD, OF_CLIENT, "an unescaped = in a value is kept", option_equals},
    {8, MUST, OF_EACH, "a known key without value does not crash it", option_without_value},
    {9, MUST, OF_EACH, "malformed options are not replaced by defaults", option_malformed},
    {10, MUST, OF_EACH, "an invalid word is refused", option_enum},
    {11, SHOULD, OF_EACH, "unknown options are tolerated", option_unknown},
    {12, MUST, OF_EACH, "empty options are as none", option_empty},
    {13, SHOULD, OF_EACH, "64 options, and 8 KiB of them", option_many},
    {14, SHOULD, OF_EACH, "-V and --fast-open are tolerated", takes_flags},
    {43, SHOULD, OF_EACH, "prints whole lines, no secrets, no escape sequences", prints_decently},
    {0, MAY, OF_EACH, NULL, NULL},
};
