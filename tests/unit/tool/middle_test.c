/* SPDX-License-Identifier: Apache-2.0 */
/* The man in the middle: where its cuts are, as the process behind it reads them. */
#include "check/backend.h"
#include "check/client.h"
#include "check/middle.h"
#include "check/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { BYTES = 1500, LIMIT_MS = 20000, SEED = 9, READS_MAX = 4096, SLOW_US = 3000 };

/* Reads as slowly as a busy plugin, and notes how much each read finds. */
struct notes {
    struct watch watch; /* first */
    struct watch listener;
    struct scene *scene;
    uint16_t port;
    unsigned slow_us;
    size_t read[READS_MAX];
    unsigned reads;
    uint64_t total;
    bool right, ended;
};

static void take_note(struct watch *watch, short revents)
{
    struct notes *notes = (struct notes *)(void *)watch; /* its first member */
    uint8_t bytes[65536];
    if (revents != 0 && notes->slow_us > 0) { /* what is there waits, and may be joined by more */
        watch->events = 0;
        watch->due_us = now_us() + notes->slow_us;
        return;
    }
    watch->events = POLLIN;
    ssize_t n = recv(watch->fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return;
    if (n == 0) {
        notes->ended = true;
        watch->events = 0;
        return;
    }
    notes->right = notes->right && pattern_match(SEED, notes->total, bytes, (size_t)n) == (size_t)n;
    notes->total += (uint64_t)n;
    assert_true(notes->reads < READS_MAX);
    notes->read[notes->reads++] = (size_t)n;
}

static void admit(struct watch *watch, short revents)
{
    struct notes *notes =
        (struct notes *)(void *)((char *)watch - offsetof(struct notes, listener));
    (void)revents;
    int fd = scene_accept(watch->fd);
    if (fd == -1)
        return;
    notes->watch = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = take_note};
    scene_add(notes->scene, &notes->watch);
}

struct world {
    struct scene scene;
    struct notes notes;
    struct middle middle;
    struct stream stream;
};

static void build(struct world *w, struct segmenting rule, unsigned slow_us)
{
    memset(w, 0, sizeof *w);
    scene_open(&w->scene);
    w->notes =
        (struct notes){.watch.fd = -1, .scene = &w->scene, .slow_us = slow_us, .right = true};
    int fd = scene_listen(&w->notes.port);
    assert_int_not_equal(fd, -1);
    w->notes.listener = (struct watch){.fd = fd, .events = POLLIN, .due_us = NEVER, .act = admit};
    scene_add(&w->scene, &w->notes.listener);
    assert_int_equal(middle_open(&w->middle, &w->scene, w->notes.port), 0);
    w->middle.rule[UP] = rule;
}

static void tear_down(struct world *w)
{
    stream_close(&w->stream);
    middle_close(&w->middle);
    scene_remove(&w->scene, &w->notes.watch);
    scene_remove(&w->scene, &w->notes.listener);
    scene_close(&w->scene);
}

static bool all_read(void *arg)
{
    const struct world *w = arg;
    return w->notes.ended;
}

/* n bytes, in pieces of at most chunk, then FIN. */
static void say(struct world *w, uint64_t n, unsigned chunk)
{
    w->stream = (struct stream){
        .say = {.seed = SEED, .total = n, .allowed = NEVER, .chunk = chunk, .fin = true}};
    stream_open(&w->stream, &w->scene, scene_dial(w->middle.port), true);
    assert_true(scene_run(&w->scene, LIMIT_MS, all_read, w));
    assert_true(w->notes.right);
    assert_int_equal(w->notes.total, n);
}

static void assert_cut_at(const struct notes *notes, uint64_t at)
{
    uint64_t end = 0;
    for (unsigned i = 0; i < notes->reads && end < at; i++)
        end += notes->read[i];
    assert_int_equal(end, at);
}

static void a_cut_ends_a_read_even_of_a_slow_reader(void **state)
{
    static const uint64_t at[] = {1, 2, 5, 100, 517, 1023, 1024, BYTES - 1};
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct world w;
        build(&w, (struct segmenting){.how = CUT, .at = at[i]}, SLOW_US);
        say(&w, BYTES, 0);
        assert_cut_at(&w.notes, at[i]);
        assert_int_equal(w.middle.cut, 1);
        assert_int_equal(w.middle.unread, 0);
        tear_down(&w);
    }
}

static void without_a_rule_a_slow_reader_finds_all_at_once(void **state)
{
    struct world w;
    (void)state;
    build(&w, (struct segmenting){.how = AS_THEY_COME}, SLOW_US);
    say(&w, BYTES, 0);
    assert_int_equal(w.notes.read[0], BYTES);
    tear_down(&w);
}

static void a_dribble_is_read_byte_by_byte(void **state)
{
    struct world w;
    (void)state;
    build(&w, (struct segmenting){.how = DRIBBLE, .at = 200}, 500);
    say(&w, BYTES, 0);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(w.notes.read[i], 1);
    assert_int_equal(w.notes.read[200], BYTES - 200);
    tear_down(&w);
}

static void many_pieces_are_coalesced_into_one(void **state)
{
    struct world w;
    (void)state;
    build(&w, (struct segmenting){.how = COALESCE, .window_us = 10000000}, 0);
    say(&w, 20000, 50); /* FIN ends the window */
    assert_true(w.stream.say.pieces > 400);
    assert_int_equal(w.notes.read[0], 20000);
    tear_down(&w);
}

static void a_delay_is_at_least_as_long_as_asked_for(void **state)
{
    struct world w;
    (void)state;
    build(&w, (struct segmenting){.delay_us = 50000}, 0);
    uint64_t begun = now_us();
    say(&w, BYTES, 0);
    assert_true(now_us() - begun >= 50000);
    tear_down(&w);
}

static bool settled(void *arg)
{
    return client_settled(arg);
}

/* The first flight of each direction is recorded apart from what follows the answer. */
static void first_flights_are_recorded(void **state)
{
    struct scene scene;
    struct backend backend;
    struct middle middle;
    struct client client;
    struct order order = {.seed = SEED, .up = 300, .down = 300, .when = ORDER_PACED, .burst = 100};
    uint8_t head[ORDER_SIZE], bytes[100];
    (void)state;
    scene_open(&scene);
    assert_int_equal(backend_open(&backend, &scene), 0);
    assert_int_equal(middle_open(&middle, &scene, backend.port), 0);
    client_open(&client, &scene, middle.port, &order);
    assert_true(scene_run(&scene, LIMIT_MS, settled, &client));
    assert_true(client_served(&client));
    order_write(&order, head);
    pattern_fill(SEED, 0, bytes, sizeof bytes);
    assert_int_equal(middle.record[UP].first, ORDER_SIZE + 100);
    assert_int_equal(middle.record[UP].len, ORDER_SIZE + 300);
    assert_memory_equal(middle.record[UP].bytes, head, ORDER_SIZE);
    assert_memory_equal(middle.record[UP].bytes + ORDER_SIZE, bytes, sizeof bytes);
    client_close(&client);
    middle_close(&middle);
    backend_close(&backend);
    scene_close(&scene);
}

static void whoever_is_refused_behind_it_is_reset(void **state)
{
    struct scene scene;
    struct backend backend;
    struct middle middle;
    struct client client;
    struct order order = {.seed = SEED, .up = 10, .down = 10, .when = ORDER_PACED};
    (void)state;
    scene_open(&scene);
    assert_int_equal(backend_open(&backend, &scene), 0);
    assert_int_equal(middle_open(&middle, &scene, backend.port), 0);
    backend_refuse(&backend);
    client_open(&client, &scene, middle.port, &order);
    assert_true(scene_run(&scene, LIMIT_MS, settled, &client));
    assert_int_equal(client.stream.end, STREAM_GONE);
    client_close(&client);
    middle_close(&middle);
    backend_close(&backend);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_ends_a_read_even_of_a_slow_reader),
        cmocka_unit_test(without_a_rule_a_slow_reader_finds_all_at_once),
        cmocka_unit_test(a_dribble_is_read_byte_by_byte),
        cmocka_unit_test(many_pieces_are_coalesced_into_one),
        cmocka_unit_test(a_delay_is_at_least_as_long_as_asked_for),
        cmocka_unit_test(first_flights_are_recorded),
        cmocka_unit_test(whoever_is_refused_behind_it_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
