/* SPDX-License-Identifier: Apache-2.0 */
/* Single turns of the loop. */
#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, SHORT_MS = 30 };

static void count(void *arg)
{
    ++*(int *)arg;
}

static void a_turn_without_events_ends_in_time(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    (void)unused;
    assert_non_null(loop);
    uint64_t begin = ssp__loop_now_ms(loop);
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(ssp_loop_turn(loop, SHORT_MS), 0);
    assert_true(ssp__loop_now_ms(loop) - begin >= SHORT_MS - 2);
    ssp_loop_free(loop);
}

static void a_turn_handles_what_has_happened(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    int pipe_fd[2], heard = 0, fired = 0;
    (void)unused;
    assert_int_equal(pipe(pipe_fd), 0);
    struct ssp__watch *watch = ssp__watch_open(loop, pipe_fd[0], count, &heard);
    struct ssp__timer timer = {.fire = count, .arg = &fired};
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(heard, 0);
    assert_int_equal(write(pipe_fd[1], "x", 1), 1);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0); /* does not wait: the event is there */
    assert_int_equal(heard, 1);
    ssp__watch_close(watch);
    ssp__timer_start(loop, &timer, SHORT_MS);
    for (int i = 0; i < WAIT_MS / SHORT_MS && fired == 0; i++)
        assert_int_equal(ssp_loop_turn(loop, SHORT_MS), 0);
    assert_int_equal(fired, 1);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    ssp_loop_free(loop);
}

static void stop_loop(void *arg)
{
    ssp_loop_stop(arg);
}

static void a_loop_that_was_stopped_turns_again(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    int fired = 0;
    (void)unused;
    struct ssp__timer timer = {.fire = stop_loop, .arg = loop};
    ssp__timer_start(loop, &timer, 0);
    assert_int_equal(ssp_loop_run(loop), 0);
    timer.fire = count;
    timer.arg = &fired;
    ssp__timer_start(loop, &timer, 0);
    for (int i = 0; i < 100 && fired == 0; i++)
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(fired, 1);
    ssp_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_without_events_ends_in_time),
        cmocka_unit_test(a_turn_handles_what_has_happened),
        cmocka_unit_test(a_loop_that_was_stopped_turns_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
