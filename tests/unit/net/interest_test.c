/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors in the loop's epoll: who hears of what, and who does not any more. */
#include "net/interest.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, SHORT_MS = 30, PAIRS = 3 };

/* A socket, its other end, and how often it was ready. */
struct owner {
    struct ssp__interest interest;
    int fd, far;
    int read, written;
    struct owner *ends; /* with the first reaction: that one waits for nothing any more */
};

static void rest(struct owner *o)
{
    assert_true(ssp__interest_set(&o->interest, o->fd, false, false));
}

static void end_other(const struct owner *o)
{
    if (o->ends != NULL)
        rest(o->ends);
}

static void on_readable(void *arg)
{
    struct owner *o = arg;
    o->read++;
    end_other(o);
}

static void on_writable(void *arg)
{
    struct owner *o = arg;
    o->written++;
    end_other(o);
}

static void open_owner(struct owner *o, ssp_loop *loop)
{
    static const struct ssp__reaction reaction = {on_readable, on_writable};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *o = (struct owner){
        .interest = {.loop = loop, .reaction = &reaction, .arg = o}, .fd = pair[0], .far = pair[1]};
}

static void close_owner(struct owner *o)
{
    rest(o);
    (void)close(o->fd);
    (void)close(o->far);
}

static void only_what_is_wanted_is_heard(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner o;
    (void)unused;
    open_owner(&o, loop);
    assert_int_equal(write(o.far, "x", 1), 1);
    assert_true(ssp__interest_set(&o.interest, o.fd, false, true));
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read * 10 + o.written, 1);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, false));
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read * 10 + o.written, 11);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, true));
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read * 10 + o.written, 22);
    o.ends = &o; /* with its first reaction, the second is not wanted any more */
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read + o.written, 5);
    close_owner(&o);
    ssp_loop_free(loop);
}

/* All are ready in one turn; the first that is looked at ends the others. */
static void an_owner_that_has_gone_hears_nothing(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner *o[PAIRS];
    int heard = 0;
    (void)unused;
    for (int i = 0; i < PAIRS; i++) {
        o[i] = malloc(sizeof *o[i]);
        assert_non_null(o[i]);
        open_owner(o[i], loop);
        assert_true(ssp__interest_set(&o[i]->interest, o[i]->fd, true, true));
        assert_int_equal(write(o[i]->far, "x", 1), 1);
    }
    o[0]->ends = o[1];
    o[1]->ends = o[0];
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    for (int i = 0; i < 2; i++)
        heard += o[i]->read > 0 || o[i]->written > 0;
    assert_int_equal(heard, 1);
    assert_int_equal(o[2]->read + o[2]->written, 2);
    for (int i = 0; i < PAIRS; i++) {
        close_owner(o[i]);
        free(o[i]);
    }
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    ssp_loop_free(loop);
}

/* As a process does that was forked from this one. */
static void a_socket_that_another_holds_is_not_heard(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner *o = malloc(sizeof *o);
    (void)unused;
    assert_non_null(o);
    open_owner(o, loop);
    int held = dup(o->fd), far = dup(o->far);
    assert_true(ssp__interest_set(&o->interest, o->fd, true, false));
    close_owner(o);
    free(o);
    assert_int_equal(write(far, "x", 1), 1);
    uint64_t begin = ssp__loop_now_ms(loop);
    assert_int_equal(ssp_loop_turn(loop, SHORT_MS), 0);
    assert_true(ssp__loop_now_ms(loop) - begin >= SHORT_MS);
    (void)close(held);
    (void)close(far);
    ssp_loop_free(loop);
}

/* An end is both; it does not keep the loop busy while its owner waits for nothing. */
static void an_end_is_heard_by_whoever_waits(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner o;
    char byte;
    (void)unused;
    open_owner(&o, loop);
    while (write(o.fd, &(char){'x'}, 1) == 1)
        continue;
    assert_true(ssp__interest_set(&o.interest, o.fd, false, true));
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(o.written, 0); /* full */
    assert_int_equal(shutdown(o.far, SHUT_RDWR), 0);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.written, 1);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, false));
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read, 1);
    assert_int_equal(read(o.fd, &byte, 1), 0);
    rest(&o);
    uint64_t begin = ssp__loop_now_ms(loop);
    assert_int_equal(ssp_loop_turn(loop, SHORT_MS), 0);
    assert_true(ssp__loop_now_ms(loop) - begin >= SHORT_MS);
    close_owner(&o);
    ssp_loop_free(loop);
}

/* ---- by edges ---- */

static void open_by_edges(struct owner *o, ssp_loop *loop)
{
    open_owner(o, loop);
    o->interest.edges = true;
}

/* An owner that reads nothing, or waits again, hears without a new event. */
static void what_an_edge_told_of_stays_until_it_is_spent(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner o;
    (void)unused;
    open_by_edges(&o, loop);
    struct pollfd outside = {.fd = ssp_loop_fd(loop), .events = POLLIN};
    assert_int_equal(write(o.far, "x", 1), 1);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, false));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(poll(&outside, 1, WAIT_MS), 1);
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
        assert_int_equal(o.read, i);
    }
    rest(&o);
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(o.read, 3);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, false));
    assert_int_equal(poll(&outside, 1, WAIT_MS), 1);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read, 4);
    ssp__interest_spent(&o.interest, SSP_READABLE);
    assert_int_equal(ssp_loop_turn(loop, 0), 0); /* what was due already */
    uint64_t begin = ssp__loop_now_ms(loop);
    assert_int_equal(ssp_loop_turn(loop, SHORT_MS), 0);
    assert_true(ssp__loop_now_ms(loop) - begin >= SHORT_MS);
    assert_int_equal(o.read, 4);
    assert_int_equal(write(o.far, "x", 1), 1);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(o.read, 5);
    ssp__interest_end(&o.interest, o.fd);
    close_owner(&o);
    ssp_loop_free(loop);
}

/* Both are left from an earlier turn: they come before what is new, and each once. */
static void what_is_left_comes_first(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner old, new;
    (void)unused;
    open_by_edges(&old, loop);
    open_by_edges(&new, loop);
    assert_int_equal(write(old.far, "x", 1), 1);
    assert_true(ssp__interest_set(&old.interest, old.fd, true, false));
    assert_true(ssp__interest_set(&new.interest, new.fd, true, false));
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(old.read, 1);
    assert_int_equal(write(new.far, "x", 1), 1);
    assert_int_equal(write(old.far, "x", 1), 1);
    old.ends = &new; /* or else it would be heard */
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(old.read, 2);
    assert_int_equal(new.read, 0);
    ssp__interest_end(&old.interest, old.fd);
    ssp__interest_end(&new.interest, new.fd);
    close_owner(&old);
    close_owner(&new);
    ssp_loop_free(loop);
}

/* The number of the descriptor is given away again while another process holds the first socket,
 * which epoll still tells of. */
static void late_events_of_an_end_are_ignored(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner *gone = malloc(sizeof *gone), next;
    int was, far, held;
    (void)unused;
    assert_non_null(gone);
    open_by_edges(gone, loop);
    was = gone->fd;
    far = dup(gone->far);
    held = dup(gone->fd);
    assert_true(ssp__interest_set(&gone->interest, gone->fd, true, false));
    ssp__interest_end(&gone->interest, gone->fd);
    (void)close(gone->far);
    (void)close(gone->fd);
    free(gone);
    open_by_edges(&next, loop);
    assert_int_equal(next.fd == was || next.far == was, 1);
    if (next.fd != was) {
        int swap = next.fd;
        next.fd = next.far;
        next.far = swap;
    }
    assert_true(ssp__interest_set(&next.interest, next.fd, true, false));
    assert_int_equal(write(far, "x", 1), 1);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(next.read, 0);
    assert_int_equal(write(next.far, "x", 1), 1);
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(next.read, 1);
    ssp__interest_end(&next.interest, next.fd);
    close_owner(&next);
    (void)close(held);
    (void)close(far);
    ssp_loop_free(loop);
}

/* Thousands of descriptors, whose places go back. */
static void many_descriptors_have_owners(void **unused)
{
    enum { MANY = 400 };
    ssp_loop *loop = ssp_loop_new();
    static struct owner o[MANY];
    (void)unused;
    for (int i = 0; i < MANY; i++) {
        open_by_edges(&o[i], loop);
        assert_true(ssp__interest_set(&o[i].interest, o[i].fd, true, false));
        assert_int_equal(write(o[i].far, "x", 1), 1);
    }
    for (int i = 0; i < MANY / 64 + 1; i++)
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    for (int i = 0; i < MANY; i++) {
        assert_true(o[i].read > 0);
        ssp__interest_end(&o[i].interest, o[i].fd);
        close_owner(&o[i]);
    }
    ssp_loop_free(loop);
}

static void what_cannot_be_waited_for_is_refused(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner o;
    FILE *file = tmpfile();
    (void)unused;
    open_owner(&o, loop);
    assert_non_null(file);
    assert_false(ssp__interest_set(&o.interest, fileno(file), true, false));
    assert_false(o.interest.reading);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, false));
    (void)fclose(file);
    close_owner(&o);
    ssp_loop_free(loop);
}

/* ---- alarms beside descriptors ---- */

struct bell {
    struct ssp__alarm alarm;
    struct bell *closes;
    int rung;
};

static void ring_again(void *arg)
{
    struct bell *b = arg;
    b->rung++;
    ssp__alarm_set(&b->alarm, 0);
    if (b->closes != NULL)
        ssp__alarm_close(&b->closes->alarm);
}

/* A descriptor that is always ready, and an alarm that is always due. */
static void neither_descriptors_nor_alarms_starve(void **unused)
{
    enum { TURNS = 50 };
    ssp_loop *loop = ssp_loop_new();
    struct owner o;
    struct bell bell = {.rung = 0};
    (void)unused;
    open_owner(&o, loop);
    assert_true(ssp__interest_set(&o.interest, o.fd, false, true));
    ssp__alarm_open(loop, &bell.alarm, ring_again, &bell);
    ssp__alarm_set(&bell.alarm, 0);
    for (int i = 1; i <= TURNS; i++) {
        assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
        assert_int_equal(o.written, i);
        assert_int_equal(bell.rung, i);
    }
    ssp__alarm_close(&bell.alarm);
    close_owner(&o);
    ssp_loop_free(loop);
}

static void an_alarm_that_is_closed_does_not_ring(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct bell bell[2] = {{.closes = &bell[1]}, {.closes = &bell[0]}};
    (void)unused;
    for (int i = 0; i < 2; i++) {
        ssp__alarm_open(loop, &bell[i].alarm, ring_again, &bell[i]);
        ssp__alarm_set(&bell[i].alarm, 0);
    }
    assert_int_equal(ssp_loop_turn(loop, WAIT_MS), 0);
    assert_int_equal(bell[0].rung + bell[1].rung, 1);
    for (int i = 0; i < 2; i++)
        ssp__alarm_close(&bell[i].alarm);
    ssp_loop_free(loop);
}

/* A loop outside sees the sockets, too. */
static void sockets_are_heard_outside(void **unused)
{
    ssp_loop *loop = ssp_loop_new();
    struct owner o;
    (void)unused;
    open_owner(&o, loop);
    struct pollfd outside = {.fd = ssp_loop_fd(loop), .events = POLLIN};
    assert_int_not_equal(outside.fd, -1);
    assert_true(ssp__interest_set(&o.interest, o.fd, true, false));
    assert_int_equal(poll(&outside, 1, 0), 0);
    assert_int_equal(write(o.far, "x", 1), 1);
    assert_int_equal(poll(&outside, 1, WAIT_MS), 1);
    assert_int_equal(ssp_loop_turn(loop, 0), 0);
    assert_int_equal(o.read, 1);
    assert_int_equal(poll(&outside, 1, 0), 1); /* it was not read: something is left to do */
    rest(&o);
    assert_int_equal(poll(&outside, 1, 0), 0);
    close_owner(&o);
    ssp_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_wanted_is_heard),
        cmocka_unit_test(an_owner_that_has_gone_hears_nothing),
        cmocka_unit_test(a_socket_that_another_holds_is_not_heard),
        cmocka_unit_test(an_end_is_heard_by_whoever_waits),
        cmocka_unit_test(what_an_edge_told_of_stays_until_it_is_spent),
        cmocka_unit_test(what_is_left_comes_first),
        cmocka_unit_test(late_events_of_an_end_are_ignored),
        cmocka_unit_test(many_descriptors_have_owners),
        cmocka_unit_test(what_cannot_be_waited_for_is_refused),
        cmocka_unit_test(neither_descriptors_nor_alarms_starve),
        cmocka_unit_test(an_alarm_that_is_closed_does_not_ring),
        cmocka_unit_test(sockets_are_heard_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
