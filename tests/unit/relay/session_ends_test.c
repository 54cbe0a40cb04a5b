/* SPDX-License-Identifier: Apache-2.0 */
/* An end that comes from a process of ours is one only if that process lives. */
#include "session_rig.h"

#include "relay/session.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The answer, after so many that say nothing. */
struct oracle {
    atomic_uint asked, unknown;
    atomic_int answer, meanwhile;
    uint16_t port; /* of the peer; 0: any */
    sem_t first;   /* posted by the first question */
};

static enum ssp__liveness ask(const void *arg, uint16_t port)
{
    struct oracle *o = (struct oracle *)(uintptr_t)arg;
    if (o->port != 0)
        assert_int_equal(port, o->port);
    unsigned asked = atomic_fetch_add(&o->asked, 1);
    if (asked == 0)
        (void)sem_post(&o->first);
    atomic_int *answer = asked < atomic_load(&o->unknown) ? &o->meanwhile : &o->answer;
    return (enum ssp__liveness)atomic_load(answer);
}

/* A session between a process of ours, on the coded side, and another peer. */
struct scene {
    struct rig r;
    struct oracle oracle;
    int ours, other;
    int news[2];
    sem_t told; /* of them */
    struct ssp__watch *heard;
};

static void hear(void *arg)
{
    struct scene *s = arg;
    char word;
    assert_int_equal(read(s->news[0], &word, 1), 1);
    ssp__sessions_note_death(&s->r.relay);
    (void)sem_post(&s->told);
}

/* The engine gets the processor meanwhile, on a machine that has one for both, too. */
static void await(sem_t *sem)
{
    struct timespec limit;
    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += WAIT_MS / 1000;
    assert_int_equal(sem_timedwait(sem, &limit), 0);
}

static void open_scene(struct scene *s, enum ssp__side coded, unsigned unknown,
                       enum ssp__liveness answer)
{
    *s = (struct scene){
        .oracle = {.unknown = unknown, .meanwhile = SSP_UNKNOWN, .answer = (int)answer}};
    assert_int_equal(sem_init(&s->oracle.first, 0, 0), 0);
    assert_int_equal(sem_init(&s->told, 0, 0), 0);
    rig_open(&s->r, &clear_codec, coded);
    s->r.service.liveness = ask;
    s->r.service.liveness_arg = &s->oracle;
    s->oracle.port = coded == SSP_DIALED ? s->r.endpoint.port : 0;
    rig_prepare(&s->r);
    assert_int_equal(pipe(s->news), 0);
    s->heard = ssp__watch_open(s->r.program.loop, s->news[0], hear, s);
    assert_non_null(s->heard);
    rig_run(&s->r);
    int client = connect_to(s->r.port);
    send_text(client, "hello");
    int target = accept_from(s->r.target_fd);
    expect_text(target, "hello");
    s->ours = coded == SSP_DIALED ? target : client;
    s->other = coded == SSP_DIALED ? client : target;
}

static void close_scene(struct scene *s)
{
    (void)close(s->ours);
    (void)close(s->other);
    rig_stop(&s->r);
    ssp__watch_close(s->heard);
    (void)close(s->news[0]);
    (void)close(s->news[1]);
    rig_release(&s->r);
    (void)sem_destroy(&s->told);
    (void)sem_destroy(&s->oracle.first);
}

static const enum ssp__side sides[] = {SSP_ACCEPTED, SSP_DIALED};

#define FOR_BOTH(side_)                                                                            \
    for (const enum ssp__side *side_ = sides; side_ < sides + 2; side_++) /* NOLINT */

static void the_end_of_one_that_lives_is_an_end(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_LIVES);
        send_text(s.ours, "all of it");
        (void)shutdown(s.ours, SHUT_WR);
        expect_text(s.other, "all of it");
        expect_end(s.other);
        assert_int_equal(atomic_load(&s.oracle.asked), 1);
        send_text(s.other, "the other way goes on");
        expect_text(s.ours, "the other way goes on");
        close_scene(&s);
    }
}

static void the_end_of_one_that_dies_is_a_reset(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_DEAD);
        send_text(s.ours, "a part");
        (void)shutdown(s.ours, SHUT_WR);
        expect_text(s.other, "a part");
        expect_reset(s.other);
        close_scene(&s);
    }
}

static void the_other_peer_ends_without_a_question(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_DEAD);
        (void)shutdown(s.other, SHUT_WR);
        expect_end(s.ours);
        assert_int_equal(atomic_load(&s.oracle.asked), 0);
        close_scene(&s);
    }
}

static void an_end_waits_for_a_late_answer(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 1, SSP_DEAD);
        (void)shutdown(s.ours, SHUT_WR);
        expect_reset(s.other);
        assert_int_equal(atomic_load(&s.oracle.asked), 2);
        close_scene(&s);
        open_scene(&s, *side, 1, SSP_LIVES);
        (void)shutdown(s.ours, SHUT_WR);
        expect_end(s.other);
        close_scene(&s);
    }
}

/* Longer than without an answer. */
static void an_end_waits_while_a_process_leaves(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 4, SSP_DEAD);
        atomic_store(&s.oracle.meanwhile, SSP_LEAVING);
        (void)shutdown(s.ours, SHUT_WR);
        expect_reset(s.other);
        close_scene(&s);
    }
}

static void an_end_does_not_wait_for_ever(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, UINT32_MAX, SSP_DEAD);
        (void)shutdown(s.ours, SHUT_WR);
        expect_end(s.other);
        send_text(s.other, "the other way goes on");
        expect_text(s.ours, "the other way goes on");
        close_scene(&s);
    }
}

static void news_of_a_death_leave_what_stands(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_LIVES);
        atomic_store(&s.oracle.answer, SSP_DEAD);
        assert_int_equal(write(s.news[1], "x", 1), 1);
        await(&s.told);
        send_text(s.ours, "it did not come from the dead one");
        expect_text(s.other, "it did not come from the dead one");
        close_scene(&s);
    }
}

/* The bytes in front of the end wait for the other, which does not read. */
static void news_of_a_death_end_what_waits(void **state)
{
    (void)state;
    static const char much[64 * 1024];
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_DEAD);
        while (send(s.ours, much, sizeof much, MSG_DONTWAIT) > 0)
            continue;
        assert_int_equal(close(s.ours), 0);
        s.ours = -1;
        assert_int_equal(write(s.news[1], "x", 1), 1);
        struct pollfd reset = {.fd = s.other};
        assert_int_equal(poll(&reset, 1, WAIT_MS), 1);
        assert_true(reset.revents & POLLERR);
        close_scene(&s);
    }
}

static void news_of_a_death_ends_what_is_held(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 1, SSP_DEAD);
        (void)shutdown(s.ours, SHUT_WR);
        await(&s.oracle.first);
        assert_int_equal(write(s.news[1], "x", 1), 1);
        expect_reset(s.other);
        close_scene(&s);
    }
}

/* The socket in this process whose other end fd is. */
static int far_end_of(int fd)
{
    struct sockaddr_in ours, theirs;
    for (int other = 3; other < 256; other++) {
        socklen_t ours_len = sizeof ours, theirs_len = sizeof theirs;
        if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) == 0 &&
            getpeername(other, (struct sockaddr *)&theirs, &theirs_len) == 0 &&
            ours_len == theirs_len && ours.sin_family == AF_INET &&
            ours.sin_port == theirs.sin_port)
            return other;
    }
    return -1;
}

/* A filter drops the end, as if it were still on its way. */
static void news_of_a_death_may_overtake_the_end(void **state)
{
    (void)state;
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog drop_all = {.len = 1, .filter = &drop};
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_DEAD);
        assert_int_equal(setsockopt(far_end_of(s.ours), SOL_SOCKET, SO_ATTACH_FILTER, &drop_all,
                                    sizeof drop_all),
                         0);
        assert_int_equal(close(s.ours), 0);
        s.ours = -1;
        assert_int_equal(write(s.news[1], "x", 1), 1);
        expect_reset(s.other);
        close_scene(&s);
    }
}

static void other_news_end_nothing(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_LIVES);
        assert_int_equal(write(s.news[1], "x", 1), 1);
        await(&s.oracle.first);
        send_text(s.ours, "more");
        expect_text(s.other, "more");
        close_scene(&s);
    }
}

/* ---- the system sends no end ---- */

static atomic_bool refusing;

/* Not static: the linker replaces shutdown by it. */
int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);

int __wrap_shutdown(int fd, int how)
{
    if (!atomic_load(&refusing))
        return __real_shutdown(fd, how);
    errno = EIO;
    return -1;
}

static void an_end_that_cannot_be_sent_is_a_reset(void **state)
{
    (void)state;
    FOR_BOTH(side)
    {
        struct scene s;
        open_scene(&s, *side, 0, SSP_LIVES);
        atomic_store(&refusing, true);
        assert_int_equal(__real_shutdown(s.ours, SHUT_WR), 0);
        expect_reset(s.other);
        expect_reset(s.ours);
        atomic_store(&refusing, false);
        close_scene(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_one_that_lives_is_an_end),
        cmocka_unit_test(the_end_of_one_that_dies_is_a_reset),
        cmocka_unit_test(the_other_peer_ends_without_a_question),
        cmocka_unit_test(an_end_waits_for_a_late_answer),
        cmocka_unit_test(an_end_waits_while_a_process_leaves),
        cmocka_unit_test(an_end_does_not_wait_for_ever),
        cmocka_unit_test(news_of_a_death_leave_what_stands),
        cmocka_unit_test(news_of_a_death_end_what_waits),
        cmocka_unit_test(news_of_a_death_ends_what_is_held),
        cmocka_unit_test(news_of_a_death_may_overtake_the_end),
        cmocka_unit_test(other_news_end_nothing),
        cmocka_unit_test(an_end_that_cannot_be_sent_is_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
