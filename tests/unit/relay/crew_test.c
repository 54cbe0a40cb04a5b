/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on several workers: how they are spread, held, drained and ended. */
#include "session_rig.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OTHERS = 2, WORKERS = OTHERS + 1, MANY = 30, TURN_MS = 10 };

/* The test turns the loop of the first worker. */
struct crewed {
    struct rig rig;
    int client[MANY], target[MANY];
    unsigned drained;
};

static void open_crewed(struct crewed *c)
{
    const char *why;
    *c = (struct crewed){.drained = 0};
    rig_open(&c->rig, &clear_codec, SSP_DIALED);
    rig_prepare(&c->rig);
    assert_int_equal(ssp__crew_open(&c->rig.program, OTHERS, NULL, false, &why), 0);
    assert_int_equal(ssp__instance_spread(&c->rig.relay), 0);
    assert_int_equal(ssp__crew_start(c->rig.program.crew), 0);
}

static void close_crewed(struct crewed *c)
{
    ssp__instance_close(&c->rig.relay);
    ssp__crew_join(c->rig.program.crew);
    ssp__crew_free(&c->rig.program);
    rig_release(&c->rig);
    for (unsigned i = 0; i < MANY; i++) {
        if (c->client[i] > 0)
            (void)close(c->client[i]);
        if (c->target[i] > 0)
            (void)close(c->target[i]);
    }
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void await_readable(struct crewed *c, int fd)
{
    uint64_t begin = ssp__loop_now_ms(c->rig.program.loop);
    while (!readable(fd) && ssp__loop_now_ms(c->rig.program.loop) - begin < WAIT_MS)
        assert_int_equal(ssp_loop_turn(c->rig.program.loop, TURN_MS), 0);
    assert_true(readable(fd));
}

static void await_live(struct crewed *c, unsigned n)
{
    uint64_t begin = ssp__loop_now_ms(c->rig.program.loop);
    while (ssp__instance_live(&c->rig.relay) != n &&
           ssp__loop_now_ms(c->rig.program.loop) - begin < WAIT_MS)
        assert_int_equal(ssp_loop_turn(c->rig.program.loop, TURN_MS), 0);
    assert_int_equal(ssp__instance_live(&c->rig.relay), n);
}

/* Connections through, of which each says its first byte. */
static void connect_all(struct crewed *c)
{
    for (unsigned i = 0; i < MANY; i++) {
        c->client[i] = connect_to(c->rig.port);
        send_text(c->client[i], "a");
        await_readable(c, c->rig.target_fd);
        c->target[i] = accept_from(c->rig.target_fd);
        await_readable(c, c->target[i]);
        expect_text(c->target[i], "a");
    }
    await_live(c, MANY);
}

static void carries(struct crewed *c, unsigned i)
{
    send_text(c->target[i], "b");
    await_readable(c, c->client[i]);
    expect_text(c->client[i], "b");
}

/* One ends. */
static void hang_up(struct crewed *c, unsigned i)
{
    (void)close(c->client[i]);
    (void)close(c->target[i]);
    c->client[i] = c->target[i] = -1;
}

static void each_worker_has_as_many_sessions(void **state)
{
    struct crewed c;
    (void)state;
    open_crewed(&c);
    connect_all(&c);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ssp__crew_load(&c.rig.program, i), MANY / WORKERS);
    for (unsigned i = 0; i < MANY; i++)
        carries(&c, i);
    struct ssp__counters own = ssp__meter_sum(c.rig.relay.meter, 0);
    assert_int_equal(own.accepted, MANY / WORKERS);
    assert_int_equal(own.bytes_up, MANY / WORKERS);
    close_crewed(&c);
}

/* The sessions of one worker end, and new ones take their place. */
static void the_one_with_the_fewest_gets_the_next(void **state)
{
    struct crewed c;
    (void)state;
    open_crewed(&c);
    connect_all(&c);
    for (unsigned i = 0; i < MANY; i += WORKERS)
        hang_up(&c, i);
    await_live(&c, MANY - MANY / WORKERS);
    for (unsigned i = 0; i < MANY; i += WORKERS)
        c.client[i] = connect_to(c.rig.port);
    await_live(&c, MANY);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ssp__crew_load(&c.rig.program, i), MANY / WORKERS);
    close_crewed(&c);
}

static void while_they_are_held_nothing_moves(void **state)
{
    struct crewed c;
    (void)state;
    open_crewed(&c);
    connect_all(&c);
    for (unsigned round = 0; round < 3; round++) {
        ssp__crew_hold(c.rig.program.crew);
        ssp__crew_hold(c.rig.program.crew);
        for (unsigned i = 0; i < MANY; i++)
            send_text(c.target[i], "c");
        unsigned moved = 0;
        ssp__crew_release(c.rig.program.crew);
        for (unsigned i = 0; i < MANY; i++)
            moved += readable(c.client[i]);
        assert_int_equal(moved, 0);
        ssp__crew_release(c.rig.program.crew);
        for (unsigned i = 0; i < MANY; i++) {
            await_readable(&c, c.client[i]);
            expect_text(c.client[i], "c");
        }
    }
    close_crewed(&c);
}

static void count_drained(void *arg)
{
    ++*(unsigned *)arg;
}

static void a_drain_waits_for_the_last_session_of_all(void **state)
{
    struct crewed c;
    (void)state;
    open_crewed(&c);
    connect_all(&c);
    ssp__instance_drain(&c.rig.relay, WAIT_MS * 10, count_drained, &c.drained);
    for (unsigned i = 0; i + 1 < MANY; i++)
        hang_up(&c, i);
    await_live(&c, 1);
    carries(&c, MANY - 1);
    assert_int_equal(c.drained, 0);
    hang_up(&c, MANY - 1);
    await_live(&c, 0);
    for (uint64_t begin = ssp__loop_now_ms(c.rig.program.loop);
         c.drained == 0 && ssp__loop_now_ms(c.rig.program.loop) - begin < WAIT_MS;)
        assert_int_equal(ssp_loop_turn(c.rig.program.loop, TURN_MS), 0);
    assert_int_equal(c.drained, 1);
    close_crewed(&c);
}

static void a_drain_has_a_limit(void **state)
{
    struct crewed c;
    (void)state;
    open_crewed(&c);
    connect_all(&c);
    ssp__instance_drain(&c.rig.relay, SHORT_MS, count_drained, &c.drained);
    while (c.drained == 0)
        assert_int_equal(ssp_loop_turn(c.rig.program.loop, WAIT_MS), 0);
    assert_int_equal(ssp__instance_live(&c.rig.relay), MANY);
    close_crewed(&c);
}

/* Connections are under way to the others then. */
static void the_end_resets_the_sessions_of_all(void **state)
{
    struct crewed c;
    char byte;
    (void)state;
    open_crewed(&c);
    connect_all(&c);
    int late = connect_to(c.rig.port);
    assert_int_equal(ssp_loop_turn(c.rig.program.loop, WAIT_MS), 0);
    ssp__instance_close(&c.rig.relay);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(recv(c.client[i], &byte, 1, 0), -1);
    assert_true(recv(late, &byte, 1, 0) <= 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ssp__crew_load(&c.rig.program, i), 0);
    (void)close(late);
    close_crewed(&c);
}

/* It has ended, and starts again. */
static void what_waits_for_a_worker_begins_when_it_runs(void **state)
{
    struct crewed c;
    (void)state;
    open_crewed(&c);
    ssp__crew_join(c.rig.program.crew);
    for (unsigned i = 0; i < WORKERS; i++)
        c.client[i] = connect_to(c.rig.port);
    await_live(&c, 1);
    assert_int_equal(ssp__crew_start(c.rig.program.crew), 0);
    await_live(&c, WORKERS);
    close_crewed(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_as_many_sessions),
        cmocka_unit_test(the_one_with_the_fewest_gets_the_next),
        cmocka_unit_test(while_they_are_held_nothing_moves),
        cmocka_unit_test(a_drain_waits_for_the_last_session_of_all),
        cmocka_unit_test(a_drain_has_a_limit),
        cmocka_unit_test(the_end_resets_the_sessions_of_all),
        cmocka_unit_test(what_waits_for_a_worker_begins_when_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
