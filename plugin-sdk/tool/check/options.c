/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - checks 5 to 13: what a plugin makes of SS_PLUGIN_OPTIONS. */
#include "check/rows.h"
#include "check/signal_name.h"
#include "check/testbed.h"
#include "check/wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    REFUSE_MS = 3000,
    FLIGHT_MS = 3000,
    FATE_MAX = 96,
    MANY = 64,
    LONG = 8192,
    KEYS_MAX = 16,
    DYING_MS = 50 /* its sockets are closed before it can be waited for */
};

/* A start with other options.  The text is freed by finish(). */
struct attempt {
    struct testbed testbed;
    char *options;
};

static void prepare(struct attempt *a, const struct fixture *fixture, ssp_role role, char *options)
{
    testbed_init(&a->testbed, fixture, role);
    a->options = options;
    a->testbed.launch.options = options;
}

static void finish(struct attempt *a, struct evidence *e)
{
    testbed_end(&a->testbed, e);
    free(a->options);
}

/* ---- what shows on the wire ---- */

/* The value of a hexadecimal digit, or -1. */
static int hex(uint8_t c)
{
    int digit = c - '0', letter = (c | 0x20) - 'a';
    if (digit >= 0 && digit <= 9)
        return digit;
    return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}

/* "%5C" becomes "\": values in a URI are escaped there, as they have to be. */
static size_t percent_decode(uint8_t *bytes, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        bool escape =
            bytes[i] == '%' && i + 2 < n && hex(bytes[i + 1]) >= 0 && hex(bytes[i + 2]) >= 0;
        bytes[out++] = escape ? (uint8_t)(hex(bytes[i + 1]) * 16 + hex(bytes[i + 2])) : bytes[i];
        i += escape ? 2 : 0;
    }
    return out;
}

static bool contains(uint8_t *bytes, size_t n, const char *text)
{
    if (memmem(bytes, n, text, strlen(text)) != NULL)
        return true;
    n = percent_decode(bytes, n);
    return memmem(bytes, n, text, strlen(text)) != NULL;
}

/* Plugins accept only paths that begin with a slash. */
static const char *slash(const char *option)
{
    return strcmp(option, "path") == 0 || strstr(option, "uri") != NULL ? "/" : "";
}

enum shown { SHOWN, NOT_SHOWN, REFUSED, CRASHED, MUTE };

/* Starts the client with the echo option as it is written, and looks for its meaning on the wire.
 */
static enum shown show(struct fixture *fixture, const char *written, const char *meant, char *fate,
                       struct evidence *e)
{
    const char *option = fixture->client.echo_option;
    uint8_t flight[FLIGHT_MAX];
    struct attempt a;
    char *item = wording("%s=%s%s", option, slash(option), written);
    prepare(&a, fixture, SSP_CLIENT, wording_replace(fixture->client.options, option, item));
    free(item);
    a.testbed.alone = true;
    enum listening how = testbed_start(&a.testbed, START_MS);
    size_t n = how == LISTENS ? testbed_flight(&a.testbed, FLIGHT_MS, flight, sizeof flight) : 0;
    (void)process_fate(&a.testbed.plugin, fate, FATE_MAX);
    enum shown shown = process_crashed(&a.testbed.plugin) ? CRASHED
                       : how == EXITED                    ? REFUSED
                       : n == 0                           ? MUTE
                       : contains(flight, n, meant)       ? SHOWN
                                                          : NOT_SHOWN;
    finish(&a, e);
    return shown;
}

bool option_shows(struct fixture *fixture)
{
    char fate[FATE_MAX];
    return fixture->client.echo_option != NULL &&
           show(fixture, "plain.mark", "plain.mark", fate, NULL) == SHOWN;
}

static enum outcome judge_shown(struct fixture *fixture, const char *written, const char *meant,
                                struct evidence *e)
{
    const char *option = fixture->client.echo_option;
    char fate[FATE_MAX] = "";
    if (option == NULL) {
        evidence_add(e, "no option is known to show on the wire: name one with --echo-opt");
        return NOT_APPLICABLE;
    }
    if (!fixture->baseline.echo_shows) {
        evidence_add(e, "the value of %s does not show in the first flight", option);
        return NOT_APPLICABLE;
    }
    enum shown shown = show(fixture, written, meant, fate, e);
    switch (shown) {
    case SHOWN:
        evidence_add(e, "%s=%s shows as %s", option, written, meant);
        return PASS;
    case REFUSED:
        evidence_add(e, "%s=%s is refused as a value: %s", option, written, fate);
        return NOT_APPLICABLE;
    case CRASHED:
        evidence_add(e, "%s=%s: %s", option, written, fate);
        return FAIL;
    default:
        evidence_add(e, "%s=%s: %s, expected %s", option, written,
                     shown == MUTE ? "nothing is heard of it" : "another value on the wire", meant);
        return FAIL;
    }
}

enum outcome option_escapes(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return judge_shown(fixture, "se\\;mi.eq\\=ual", "se;mi.eq=ual", e);
}

enum outcome option_backslash(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return judge_shown(fixture, "back\\\\slash", "back\\slash", e);
}

enum outcome option_equals(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return judge_shown(fixture, "one=two=three", "one=two=three", e);
}

/* ---- keys alone ---- */

static enum outcome without_value(struct fixture *fixture, ssp_role role, const char *key,
                                  struct evidence *e)
{
    const char *options = fixture_subject(fixture, role)->options;
    char fate[FATE_MAX], why[200];
    struct attempt a;
    prepare(&a, fixture, role, wording_replace(options, key, key));
    a.testbed.alone = role == SSP_CLIENT;
    enum listening how = testbed_start(&a.testbed, START_MS);
    /* The value may be needed only when there is something to carry. */
    if (how == LISTENS)
        (void)testbed_serve(&a.testbed, 500, why, sizeof why);
    if (how == LISTENS)
        (void)testbed_hold(&a.testbed, 1);
    (void)process_await_exit(&a.testbed.plugin, DYING_MS);
    bool crashed = process_crashed(&a.testbed.plugin);
    evidence_add(e, "%s: %s", a.options, process_fate(&a.testbed.plugin, fate, sizeof fate));
    finish(&a, e);
    return crashed ? FAIL : PASS;
}

/* The keys that were given a value, and those that the command line names. */
static size_t valued_keys(const struct subject *s, char *keys[KEYS_MAX])
{
    const char *const named[] = {s->role == SSP_CLIENT ? s->echo_option : NULL, s->enum_option};
    bool valued;
    char *key;
    size_t n = 0;
    for (size_t i = 0; n < KEYS_MAX && (key = wording_key(s->options, i)) != NULL; i++) {
        if (wording_has(s->options, key, &valued) && valued)
            keys[n++] = key;
        else
            free(key);
    }
    for (size_t i = 0; i < 2; i++) {
        if (named[i] != NULL && n < KEYS_MAX && !wording_has(s->options, named[i], &valued))
            keys[n++] = wording("%s", named[i]);
    }
    return n;
}

enum outcome option_without_value(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    char *keys[KEYS_MAX];
    enum outcome all = NOT_APPLICABLE;
    size_t n = valued_keys(fixture_subject(fixture, role), keys);
    for (size_t i = 0; i < n; i++) {
        all = worse(all, without_value(fixture, role, keys[i], e));
        free(keys[i]);
    }
    if (n == 0)
        evidence_add(e, "no key with a value is known");
    return all;
}

/* ---- malformed strings ---- */

/* It runs: does it at least honour the rest?  Then it does not run with defaults. */
static enum outcome honours_rest(struct attempt *a, struct fixture *fixture, const char *mark,
                                 char *why, size_t cap)
{
    uint8_t flight[FLIGHT_MAX];
    if (mark != NULL) {
        size_t n = testbed_flight(&a->testbed, FLIGHT_MS, flight, sizeof flight);
        bool shown = contains(flight, n, mark);
        (void)snprintf(why, cap, "the options before it %s", shown ? "count" : "are ignored");
        return shown ? PASS : FAIL;
    }
    if (fixture_subject(fixture, a->testbed.role)->options == NULL) {
        (void)snprintf(why, cap, "as without options");
        return FAIL;
    }
    if (!fixture->baseline.pair_works) {
        (void)snprintf(why, cap, "with which options cannot be seen");
        return NOT_APPLICABLE;
    }
    return testbed_serve(&a->testbed, FLIGHT_MS, why, cap) == SERVED ? PASS : FAIL;
}

static enum outcome malformed(struct fixture *fixture, ssp_role role, const char *item,
                              struct evidence *e)
{
    static const char mark[] = "mal.formed";
    const struct subject *s = fixture_subject(fixture, role);
    bool shows = role == SSP_CLIENT && fixture->baseline.echo_shows;
    const char *echo = shows ? s->echo_option : NULL;
    char *good = echo == NULL ? wording("%s", s->options != NULL ? s->options : "") : NULL;
    char why[200], fate[FATE_MAX];
    struct attempt a;
    if (echo != NULL) {
        char *marked = wording("%s=%s%s", echo, slash(echo), mark);
        good = wording_replace(s->options, echo, marked);
        free(marked);
    }
    prepare(&a, fixture, role, wording_add(good, item));
    free(good);
    enum outcome outcome;
    enum listening how = testbed_start(&a.testbed, REFUSE_MS);
    (void)process_fate(&a.testbed.plugin, fate, sizeof fate);
    if (how == LISTENS) {
        outcome = honours_rest(&a, fixture, echo != NULL ? mark : NULL, why, sizeof why);
        evidence_add(e, "%s: listens, %s", a.options, why);
    } else if (how == EXITED) {
        int status = a.testbed.plugin.status;
        outcome = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? PASS : FAIL;
        evidence_add(e, "%s: %s", a.options, fate);
    } else {
        outcome = FAIL;
        evidence_add(e, "%s: runs, but listens elsewhere", a.options);
    }
    finish(&a, e);
    return outcome;
}

enum outcome option_malformed(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    enum outcome first = malformed(fixture, role, "zz-last=1\\", e);
    return worse(first, malformed(fixture, role, "=zz-nobody", e));
}

enum outcome option_enum(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    const struct subject *s = fixture_subject(fixture, role);
    struct attempt a;
    if (s->enum_option == NULL) {
        evidence_add(e, "no option is known to be one of few words: name one with --enum-opt");
        return NOT_APPLICABLE;
    }
    char *item = wording("%s=zz-no-such-word", s->enum_option);
    prepare(&a, fixture, role, wording_replace(s->options, s->enum_option, item));
    free(item);
    enum outcome outcome = testbed_refuses(&a.testbed, a.options, REFUSE_MS, e);
    finish(&a, e);
    return outcome;
}

/* ---- more than it knows ---- */

enum outcome option_unknown(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct attempt a;
    prepare(&a, fixture, role,
            wording_add(fixture_subject(fixture, role)->options, "zz-unknown=1;zz-flag"));
    enum outcome outcome = testbed_works(&a.testbed, a.options, e);
    finish(&a, e);
    return outcome;
}

/* Describes the result of a start in a text that can be compared. */
static void summary(struct fixture *fixture, ssp_role role, const char *options, char *text,
                    struct evidence *e)
{
    const size_t cap = FATE_MAX;
    struct testbed s;
    testbed_init(&s, fixture, role);
    s.launch.options = options;
    enum listening how = testbed_start(&s, START_MS);
    if (how == LISTENS)
        (void)snprintf(text, cap, "listens");
    else if (how == SILENT)
        (void)snprintf(text, cap, "does not listen on its port, and does not exit");
    else if (WIFSIGNALED(s.plugin.status))
        (void)snprintf(text, cap, "%s", signal_name(WTERMSIG(s.plugin.status)));
    else
        (void)snprintf(text, cap, "exit %d", WEXITSTATUS(s.plugin.status));
    testbed_end(&s, e);
}

enum outcome option_empty(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    char empty[FATE_MAX], unset[FATE_MAX];
    summary(fixture, role, NULL, unset, e);
    summary(fixture, role, "", empty, e);
    evidence_add(e, "unset: %s", unset);
    evidence_add(e, "empty: %s", empty);
    bool crashed = strncmp(empty, "SIG", 3) == 0;
    return strcmp(empty, unset) == 0 && !crashed ? PASS : FAIL;
}

/* The options that count stand last: what is lost from the end is missed. */
static enum outcome many(struct fixture *fixture, ssp_role role, const char *front,
                         const char *what, struct evidence *e)
{
    struct attempt a;
    prepare(&a, fixture, role, wording_add_front(fixture_subject(fixture, role)->options, front));
    enum outcome outcome = testbed_works(&a.testbed, what, e);
    finish(&a, e);
    return outcome;
}

enum outcome option_many(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct evidence ignored = {.len = 0};
    if (option_unknown(fixture, role, &ignored) == FAIL) {
        evidence_add(e, "it takes no options that it does not know");
        return NOT_APPLICABLE;
    }
    char *all = wording("zz-0=0"), *one = malloc(LONG + 1);
    if (one == NULL)
        return NOT_APPLICABLE;
    for (int i = 1; i < MANY; i++) {
        char *longer = wording("%s;zz-%d=%d", all, i, i);
        free(all);
        all = longer;
    }
    memset(one, 'z', LONG);
    memcpy(one, "zz-long=", 8);
    one[LONG] = '\0';
    enum outcome outcome = many(fixture, role, all, "64 options", e);
    outcome = worse(outcome, many(fixture, role, one, "8 KiB", e));
    free(all);
    free(one);
    return outcome;
}
