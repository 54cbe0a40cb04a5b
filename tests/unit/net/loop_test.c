/* SPDX-License-Identifier: Apache-2.0 */
/* Single turns of the loop. */
#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
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

struct nested {
    ssp_loop *loop;
    int turned, failed;
};

static void turn_again(void *arg)
{
    struct nested *n = arg;
    n->turned = ssp_loop_turn(n->loop, WAIT_MS);
    n->failed = errno;
}

static void a_loop_is_not_turned_in_its_own_turn(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct nested n = {.loop = loop};
    (void)unused;
    struct ssp__timer timer = {.fire = turn_again, .arg = &n};
    ssp__timer_start(loop, &timer, 0);
    for (int i = 0; i < 100 && n.turned == 0; i++)
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(n.turned, -1);
    assert_int_equal(n.failed, EDEADLK);
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    ssp_loop_free(loop);
}

/* A signal that came before the end of its watch leaves no work behind. */
static void a_signal_that_is_not_watched_any_more_keeps_no_loop_busy(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    int heard = 0;
    (void)unused;
    struct ssp__signal *signal = ssp__signal_watch(loop, SIGUSR1, count, &heard);
    assert_non_null(signal);
    assert_int_equal(raise(SIGUSR1), 0);
    ssp__signal_free(signal);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    uint64_t begin = ssp__loop_now_ms(loop);
    assert_int_equal(ssp_loop_turn(loop, SHORT_MS), 0);
    assert_true(ssp__loop_now_ms(loop) - begin >= SHORT_MS);
    assert_int_equal(heard, 0);
    ssp_loop_free(loop);
}

/* ---- a loop outside ---- */

/* Waits outside, and gives the loop turns that do not wait, until *n is 1. */
static void turn_from_outside(ssp_loop *loop, const int *n)
{
    struct pollfd outside = {.fd = ssp_loop_fd(loop), .events = POLLIN};
    assert_int_not_equal(outside.fd, -1);
    while (*n == 0) {
        assert_int_equal(poll(&outside, 1, WAIT_MS), 1);
        assert_int_equal(ssp_loop_turn(loop, 0), 0);
    }
    assert_int_equal(*n, 1);
    assert_int_equal(poll(&outside, 1, 0), 0);
}

static void descriptors_and_signals_are_heard_outside(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    int pipe_fd[2], heard = 0, signalled = 0;
    char byte;
    (void)unused;
    assert_int_equal(pipe(pipe_fd), 0);
    assert_int_equal(ssp_loop_fd(loop), ssp_loop_fd(loop));
    struct ssp__watch *watch = ssp__watch_open(loop, pipe_fd[0], count, &heard);
    struct ssp__signal *signal = ssp__signal_watch(loop, SIGUSR1, count, &signalled);
    struct pollfd outside = {.fd = ssp_loop_fd(loop), .events = POLLIN};
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(poll(&outside, 1, 0), 0);
    assert_int_equal(write(pipe_fd[1], "x", 1), 1);
    assert_int_equal(poll(&outside, 1, WAIT_MS), 1);
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(heard, 1);
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    assert_int_equal(raise(SIGUSR1), 0);
    turn_from_outside(loop, &signalled);
    ssp__signal_free(signal);
    ssp__watch_close(watch);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    ssp_loop_free(loop);
}

static void turn_inner(evutil_socket_t fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
}

/* As in a host that libevent runs: an epoll descriptor in another. */
static void a_loop_of_libevent_turns_it(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct event_base *outer = event_base_new();
    int pipe_fd[2], heard = 0, fired = 0;
    (void)unused;
    assert_int_equal(pipe(pipe_fd), 0);
    struct event *work =
        event_new(outer, ssp_loop_fd(loop), EV_READ | EV_PERSIST, turn_inner, loop);
    assert_int_equal(event_add(work, NULL), 0);
    struct ssp__watch *watch = ssp__watch_open(loop, pipe_fd[0], count, &heard);
    struct ssp__timer timer = {.fire = count, .arg = &fired};
    ssp__timer_start(loop, &timer, SHORT_MS);
    while (fired == 0)
        assert_int_equal(event_base_loop(outer, EVLOOP_ONCE), 0);
    assert_int_equal(heard, 0);
    assert_int_equal(write(pipe_fd[1], "x", 1), 1);
    while (heard < 2) /* it is not read */
        assert_int_equal(event_base_loop(outer, EVLOOP_ONCE), 0);
    ssp__watch_close(watch);
    event_free(work);
    event_base_free(outer);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    ssp_loop_free(loop);
}

static void deadlines_are_heard_outside(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    int before = 0, after = 0, alarmed = 0;
    struct ssp__timer early = {.fire = count, .arg = &before},
                      late = {.fire = count, .arg = &after};
    struct ssp__alarm alarm;
    (void)unused;
    ssp__alarm_open(loop, &alarm, count, &alarmed);
    ssp__timer_start(loop, &early, 1); /* before anybody asked for the descriptor */
    turn_from_outside(loop, &before);
    ssp__timer_start(loop, &late, 2 * SHORT_MS);
    ssp__alarm_set(&alarm, WAIT_MS);
    ssp__alarm_set(&alarm, SHORT_MS);
    turn_from_outside(loop, &alarmed);
    turn_from_outside(loop, &after);
    ssp__alarm_set(&alarm, 0);
    ssp__alarm_clear(&alarm);
    struct pollfd outside = {.fd = ssp_loop_fd(loop), .events = POLLIN};
    assert_int_equal(poll(&outside, 1, SHORT_MS), 0);
    assert_int_equal(alarmed, 1);
    ssp__alarm_close(&alarm);
    ssp_loop_free(loop);
}

/* ---- deadlines of any length ---- */

enum { DEADLINES = 200 };

struct crowd {
    struct ssp__deadline deadline[DEADLINES];
    ssp_loop *loop;
    uint64_t last_ms; /* due time of the one that fired last */
    unsigned fired;
};

struct member {
    struct crowd *crowd;
    struct ssp__deadline *deadline;
};

static void in_order(void *arg)
{
    const struct member *m = arg;
    assert_true(m->deadline->due_ms >= m->crowd->last_ms);
    assert_true(m->deadline->due_ms <= ssp__loop_now_ms(m->crowd->loop));
    m->crowd->last_ms = m->deadline->due_ms;
    m->crowd->fired++;
}

/* Lengths that are all different, many more than there are lanes; each third is cleared, each
 * seventh is set anew. */
static void deadlines_fire_in_their_order(void **unused)
{
    static struct crowd crowd;
    static struct member member[DEADLINES];
    ssp_loop *loop = ssp_loop_new();
    unsigned left = DEADLINES;
    (void)unused;
    uint64_t now = ssp__loop_now_ms(loop);
    crowd.loop = loop;
    for (unsigned i = 0; i < DEADLINES; i++) {
        struct ssp__deadline *d = &crowd.deadline[i];
        member[i] = (struct member){&crowd, d};
        *d = (struct ssp__deadline){.fire = in_order, .arg = &member[i]};
        ssp__deadline_set(loop, d, now + i * 37 % DEADLINES);
    }
    for (unsigned i = 0; i < DEADLINES; i++) {
        if (i % 7 == 0)
            ssp__deadline_set(loop, &crowd.deadline[i], now + DEADLINES + i);
        if (i % 3 == 0)
            ssp__deadline_clear(&crowd.deadline[i]);
        left -= i % 3 == 0;
    }
    while (crowd.fired < left)
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(crowd.fired, left);
    for (unsigned i = 0; i < DEADLINES; i++)
        assert_null(crowd.deadline[i].loop);
    ssp_loop_free(loop);
}

static void *stop_from_a_thread(void *loop)
{
    ssp_loop_stop(loop);
    return NULL;
}

static void *wake_from_a_thread(void *loop)
{
    ssp_loop_wake(loop);
    return NULL;
}

static void another_thread_stops_and_wakes_a_loop(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    pthread_t thread;
    (void)unused;
    assert_int_equal(pthread_create(&thread, NULL, stop_from_a_thread, loop), 0);
    assert_int_equal(ssp_loop_run(loop), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    uint64_t begin = ssp__loop_now_ms(loop);
    assert_int_equal(pthread_create(&thread, NULL, wake_from_a_thread, loop), 0);
    for (unsigned turns = 0; turns < 2; turns++) /* the first may still hear of the stop */
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS / 4), 0);
    assert_true(ssp__loop_now_ms(loop) - begin < WAIT_MS / 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ssp_loop_free(loop);
}

static void a_stop_before_the_run_counts(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    (void)unused;
    ssp_loop_stop(loop);
    assert_int_equal(ssp_loop_run(loop), 0);
    ssp_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_without_events_ends_in_time),
        cmocka_unit_test(a_turn_handles_what_has_happened),
        cmocka_unit_test(a_loop_that_was_stopped_turns_again),
        cmocka_unit_test(a_loop_is_not_turned_in_its_own_turn),
        cmocka_unit_test(a_signal_that_is_not_watched_any_more_keeps_no_loop_busy),
        cmocka_unit_test(descriptors_and_signals_are_heard_outside),
        cmocka_unit_test(a_loop_of_libevent_turns_it),
        cmocka_unit_test(deadlines_are_heard_outside),
        cmocka_unit_test(deadlines_fire_in_their_order),
        cmocka_unit_test(another_thread_stops_and_wakes_a_loop),
        cmocka_unit_test(a_stop_before_the_run_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
