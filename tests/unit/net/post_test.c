/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that other threads ask of a loop. */
#include "net/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, POSTS = 200, THREADS = 4 };

struct call {
    struct ssp__post post;
    unsigned number, *heard;
};

static void hear(void *arg)
{
    const struct call *c = arg;
    assert_int_equal(c->number, *c->heard);
    ++*c->heard;
}

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

static void fill(struct call *call, unsigned n, unsigned *heard)
{
    for (unsigned i = 0; i < n; i++)
        call[i] =
            (struct call){.post = {.fire = hear, .arg = &call[i]}, .number = i, .heard = heard};
}

struct sender {
    ssp_loop *loop;
    struct call call[POSTS];
    unsigned heard;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;
    for (unsigned i = 0; i < POSTS; i++)
        ssp__loop_post(s->loop, &s->call[i].post);
    return NULL;
}

static void posts_of_a_thread_come_in_order_and_none_is_lost(void **unused)
{
    static struct sender sender[THREADS];
    ssp_loop *loop = ssp_loop_new();
    pthread_t thread[THREADS];
    (void)unused;
    for (unsigned i = 0; i < THREADS; i++) {
        sender[i].loop = loop;
        fill(sender[i].call, POSTS, &sender[i].heard);
        assert_int_equal(pthread_create(&thread[i], NULL, send_all, &sender[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        while (sender[i].heard < POSTS)
            assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    ssp_loop_free(loop);
}

static void one_that_waits_is_fired_once_and_then_waits_again(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    unsigned fired = 0;
    struct ssp__post post = {.fire = count, .arg = &fired};
    (void)unused;
    for (unsigned round = 1; round <= 2; round++) {
        ssp__loop_post(loop, &post);
        ssp__loop_post(loop, &post);
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
        assert_int_equal(ssp_loop_turn(loop, 0), 0);
        assert_int_equal(fired, round);
    }
    ssp_loop_free(loop);
}

/* The first, one between others, the last, and one that does not wait. */
static void those_that_are_taken_back_are_not_fired(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    unsigned fired[5] = {0};
    struct ssp__post post[5];
    (void)unused;
    for (unsigned i = 0; i < 5; i++) {
        post[i] = (struct ssp__post){.fire = count, .arg = &fired[i]};
        ssp__loop_post(loop, &post[i]);
    }
    for (unsigned i = 0; i < 5; i += 2)
        ssp__loop_unpost(loop, &post[i]);
    ssp__loop_unpost(loop, &post[0]);
    ssp__loop_post(loop, &post[4]);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(fired[i], i % 2 == 1 || i == 4);
    ssp_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_a_thread_come_in_order_and_none_is_lost),
        cmocka_unit_test(one_that_waits_is_fired_once_and_then_waits_again),
        cmocka_unit_test(those_that_are_taken_back_are_not_fired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
