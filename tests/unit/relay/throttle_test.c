/* SPDX-License-Identifier: Apache-2.0 */
/* A session without a rate does not pay for one: no function of the throttle runs. */
#include "session_rig.h"

#include "relay/throttle.h"

#include <stdatomic.h>
#include <unistd.h>

enum { RATE = 1000000 };

static atomic_uint rooms, takes, waits; /* how often each was called */

size_t __real_ssp__throttle_room(struct ssp__session *s);
size_t __wrap_ssp__throttle_room(struct ssp__session *s);
size_t __wrap_ssp__throttle_room(struct ssp__session *s)
{
    rooms++;
    return __real_ssp__throttle_room(s);
}

void __real_ssp__throttle_take(struct ssp__session *s, size_t n);
void __wrap_ssp__throttle_take(struct ssp__session *s, size_t n);
void __wrap_ssp__throttle_take(struct ssp__session *s, size_t n)
{
    takes++;
    __real_ssp__throttle_take(s, n);
}

bool __real_ssp__throttle_wait(struct ssp__session *s, void (*rested)(void *session));
bool __wrap_ssp__throttle_wait(struct ssp__session *s, void (*rested)(void *session));
bool __wrap_ssp__throttle_wait(struct ssp__session *s, void (*rested)(void *session))
{
    waits++;
    return __real_ssp__throttle_wait(s, rested);
}

/* A connection that carries bytes in both directions, with this allowance. */
static void carry(const struct ssp__allowance *allowance)
{
    struct rig r;
    rooms = takes = waits = 0;
    rig_open(&r, &clear_codec, SSP_DIALED);
    rig_prepare(&r);
    if (allowance != NULL)
        ssp__instance_limit(&r.relay, allowance);
    rig_run(&r);
    int client = connect_to(r.port);
    send_text(client, "question");
    int target = accept_from(r.target_fd);
    expect_text(target, "question");
    send_text(target, "answer");
    expect_text(client, "answer");
    (void)close(client);
    expect_end(target);
    (void)close(target);
    rig_stop(&r);
    assert_int_equal(r.relay.meter->counters.bytes_up, 8);
    assert_int_equal(r.relay.meter->counters.bytes_down, 6);
    rig_release(&r);
}

static void a_session_without_a_rate_is_not_throttled(void **state)
{
    (void)state;
    carry(NULL);
    assert_int_equal(rooms + takes + waits, 0);
    carry(&(struct ssp__allowance){.bytes = 1000}); /* a number of bytes is no rate */
    assert_int_equal(rooms + takes + waits, 0);
}

static void a_session_with_a_rate_is(void **state)
{
    (void)state;
    carry(&(struct ssp__allowance){.rate = RATE});
    assert_true(rooms > 0);
    assert_true(takes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_without_a_rate_is_not_throttled),
        cmocka_unit_test(a_session_with_a_rate_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
