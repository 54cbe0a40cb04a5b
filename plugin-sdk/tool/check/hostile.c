/* SPDX-License-Identifier: Apache-2.0 */
#include "check/inputs.h"
#include "check/intruder.h"
#include "check/reader.h"
#include "check/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INPUTS = 1000,
    BATCH = 50,
    SAID_MS = 2000,
    HEARD_MS = 60, /* from the last byte to the reaction of the server */
    DYING_MS = 20, /* the kernel takes its time, more so with a core dump */
    GOOD_BYTES = 600,
    GOOD_MS = 10000,
    PEERS = 500,
    SILENT_MS = 10000,
    DROP_MS = 5000,
    DROP_THOROUGH_MS = 100000, /* less than the runner allows a check */
    FOREIGN_MAX = 16,
    FOREIGN_MS = 1500,
    WHY_MAX = 2 * STREAM_WHY_MAX + 64
};

/* Only a client can show that the server still serves. */
static unsigned parts(const struct fixture *fixture)
{
    if (fixture->client.path == NULL)
        return RIG_SERVER;
    return fixture->baseline.server_by_udp ? RIG_PAIR : RIG_ALL;
}

static bool good_client(struct rig *rig, struct evidence *e, const char *when)
{
    char why[WHY_MAX];
    if ((rig->parts & RIG_CLIENT) == 0)
        return true;
    struct order order = rig_order(rig, GOOD_BYTES, GOOD_BYTES, ORDER_PACED);
    order.burst = GOOD_BYTES / 2;
    bool served = rig_serve(rig, &order, GOOD_MS, why, sizeof why);
    if (!served)
        evidence_add(e, "a good client %s: %s", when, why);
    return served;
}

/* ---- 39 ---- */

/* The bytes of a genuine client: its first flight, and those behind the first answer. */
static bool record_good(struct rig *rig, struct evidence *e, uint8_t bytes[RECORD_MAX],
                        struct flights *good)
{
    *good = (struct flights){.bytes = bytes};
    if ((rig->parts & RIG_MIDDLE) == 0)
        return true;
    if (!good_client(rig, e, "at the beginning"))
        return false;
    const struct record *up = &rig->middle.record[UP];
    memcpy(bytes, up->bytes, up->len);
    good->len = up->len;
    good->first = up->first;
    middle_drop(&rig->middle);
    return true;
}

/* Sends n inputs at once, beginning with input number. */
static void let_loose(struct rig *rig, const struct flights *good, unsigned number, unsigned n)
{
    uint8_t bytes[INPUT_MAX];
    char about[INPUT_ABOUT_MAX];
    int diag = reader_open();
    struct intruders intruders = {.intruder = must_alloc(n, sizeof *intruders.intruder), .n = n};
    for (unsigned i = 0; i < n; i++) {
        size_t len = input_make(good, number + i, bytes, about);
        intruder_open(&intruders.intruder[i], &rig->scene, rig->server_port, bytes, len);
        intruders.intruder[i].fin = (number + i) % 3 == 0;
        intruders.intruder[i].pause = input_pause(good, number + i);
        intruders.intruder[i].diag = diag;
    }
    (void)scene_run(&rig->scene, SAID_MS, intruders_connected, &intruders);
    (void)scene_run(&rig->scene, HEARD_MS, intruders_over, &intruders);
    intruders_close(&intruders);
    if (diag != -1)
        (void)close(diag);
    backend_forget(&rig->backend);
}

/* Sends the inputs of the batch to a second server one by one, and the input before the batch too:
 * a process may crash a moment after the input that caused it. */
static void name_culprit(struct fixture *fixture, const struct flights *good, unsigned number,
                         struct evidence *e)
{
    struct evidence ignored = {.len = 0};
    struct rig rig = {0};
    uint8_t bytes[INPUT_MAX];
    char about[INPUT_ABOUT_MAX];
    bool open = rig_open(&rig, fixture, RIG_SERVER, &ignored) == PASS;
    unsigned i = number < BATCH ? 0 : number - BATCH, end = number + BATCH;
    for (; open && i < end; i++) {
        let_loose(&rig, good, i, 1);
        if (process_await_exit(&rig.server, DYING_MS))
            break;
    }
    if (open && i < end) {
        size_t len = input_make(good, i, bytes, about);
        evidence_add(e, "one at a time it is input %u of %zu bytes: %s", i, len, about);
    } else {
        evidence_add(e, "one at a time they do not do it again");
    }
    rig_close(&rig);
}

static enum outcome attack(struct rig *rig, struct evidence *e)
{
    struct flights good;
    uint8_t *bytes = must_alloc(RECORD_MAX, 1);
    enum outcome outcome = record_good(rig, e, bytes, &good) ? PASS : FAIL;
    unsigned n = 0;
    uint64_t begun = now_us();
    rig->intruded = true;
    for (; outcome == PASS && n < INPUTS; n += BATCH) {
        let_loose(rig, &good, n, BATCH);
        if (!process_await_exit(&rig->server, DYING_MS))
            continue;
        evidence_add(e, "the server ends by one of the inputs %u to %u", n, n + BATCH - 1);
        name_culprit(rig->fixture, &good, n, e);
        outcome = FAIL;
    }
    if (outcome == PASS) {
        evidence_add(e, "%u inputs in %u ms, made of a flight of %zu bytes", n,
                     (unsigned)((now_us() - begun) / 1000), good.first);
        outcome = good_client(rig, e, "afterwards") ? PASS : FAIL;
    }
    free(bytes);
    return outcome;
}

static enum outcome survives_hostility(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    if (fixture->baseline.server_by_udp) {
        evidence_add(e, "it listens on UDP");
        return NOT_APPLICABLE;
    }
    return rig_run(fixture, parts(fixture), attack, e);
}

/* ---- 40 ---- */

static unsigned thrown_out(const struct intruders *intruders, unsigned *first_ms, unsigned *last_ms)
{
    unsigned n = 0;
    *first_ms = UINT32_MAX;
    *last_ms = 0;
    for (unsigned i = 0; i < intruders->n; i++) {
        const struct intruder *one = &intruders->intruder[i];
        if (!one->over)
            continue;
        unsigned ms = (unsigned)((one->over_us - one->begun_us) / 1000);
        *first_ms = ms < *first_ms ? ms : *first_ms;
        *last_ms = ms > *last_ms ? ms : *last_ms;
        n++;
    }
    return n;
}

static enum outcome judge_silence(const struct intruders *intruders, unsigned window_ms,
                                  bool thorough, struct evidence *e)
{
    unsigned first, last, n = thrown_out(intruders, &first, &last);
    if (n == intruders->n) {
        evidence_add(e, "all are dropped after %u to %u ms", first, last);
        return PASS;
    }
    if (n > 0)
        evidence_add(e, "%u are dropped after %u to %u ms", n, first, last);
    evidence_add(e, "%u are not dropped within %u ms%s", intruders->n - n, window_ms,
                 thorough ? "" : ", --thorough waits longer");
    return thorough ? FAIL : PASS;
}

static enum outcome keep_silent(struct rig *rig, struct evidence *e)
{
    bool thorough = rig->fixture->thorough;
    unsigned window_ms = thorough ? DROP_THOROUGH_MS : DROP_MS;
    struct intruders intruders = {.intruder = must_alloc(PEERS, sizeof *intruders.intruder),
                                  .n = PEERS};
    for (unsigned i = 0; i < PEERS; i++)
        intruder_open(&intruders.intruder[i], &rig->scene, rig->server_port, NULL, 0);
    bool came = rig_await(rig, SILENT_MS, intruders_connected, &intruders);
    evidence_add(e, came ? "%d silent peers" : "not even accepted: %d silent peers", PEERS);
    bool served = good_client(rig, e, "meanwhile");
    if (served && (rig->parts & RIG_CLIENT) != 0)
        evidence_add(e, "a good client is served meanwhile");
    enum outcome outcome = came && served ? PASS : FAIL;
    if (outcome == PASS) {
        (void)scene_run(&rig->scene, window_ms, intruders_over, &intruders);
        outcome = judge_silence(&intruders, window_ms, thorough, e);
    }
    intruders_close(&intruders);
    return outcome;
}

static enum outcome bears_silence(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    if (fixture->baseline.server_by_udp) {
        evidence_add(e, "it listens on UDP");
        return NOT_APPLICABLE;
    }
    unsigned testbed = fixture->client.path == NULL ? RIG_SERVER : RIG_PAIR;
    return rig_run(fixture, testbed, keep_silent, e);
}

/* ---- 41 ---- */

static bool delivered(void *arg)
{
    const struct backend *backend = arg;
    return backend->foreign > 0;
}

static enum outcome send_foreign(struct rig *rig, struct evidence *e)
{
    char text[4 * FOREIGN_SAMPLE + 1];
    uint8_t bytes[INPUT_MAX];
    const char *about[FOREIGN_MAX];
    struct intruders intruders = {.intruder = must_alloc(FOREIGN_MAX, sizeof *intruders.intruder)};
    for (size_t len; intruders.n < FOREIGN_MAX; intruders.n++) {
        len = input_foreign(intruders.n, bytes, &about[intruders.n]);
        if (len == 0)
            break;
        intruder_open(&intruders.intruder[intruders.n], &rig->scene, rig->server_port, bytes, len);
    }
    (void)scene_run(&rig->scene, SAID_MS, intruders_connected, &intruders);
    (void)scene_run(&rig->scene, FOREIGN_MS, delivered, &rig->backend);
    (void)scene_run(&rig->scene, HEARD_MS, NULL, NULL);
    const struct backend *backend = &rig->backend;
    evidence_add(e,
                 "%u foreign peers with 4 protocols and noise: %u reach the backend, with "
                 "%" PRIu64 " bytes",
                 intruders.n, backend->foreign, backend->foreign_bytes);
    if (backend->foreign > 0)
        evidence_add(e, "the first are \"%s\"",
                     evidence_quote(text, sizeof text, backend->sample, backend->sample_len));
    intruders_close(&intruders);
    return backend->foreign == 0 ? PASS : FAIL;
}

static enum outcome keeps_foreign_bytes_out(struct fixture *fixture, ssp_role role,
                                            struct evidence *e)
{
    (void)role;
    if (fixture->baseline.server_by_udp) {
        evidence_add(e, "it listens on UDP");
        return NOT_APPLICABLE;
    }
    return rig_run(fixture, RIG_SERVER, send_foreign, e);
}

const struct check hostile_checks[] = {
    {39, MUST, OF_SERVER, "1000 hostile inputs: alive, and the next good client is served",
     survives_hostility},
    {40, SHOULD, OF_SERVER, "500 silent peers: closed in time, and clients are served meanwhile",
     bears_silence},
    {41, SHOULD, OF_SERVER, "bytes of unauthenticated peers do not reach the backend",
     keeps_foreign_bytes_out},
    {0},
};
