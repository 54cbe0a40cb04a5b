/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes toward the limits of a port of ss-manager are kept each minute, while it serves. */
#include "app/manager/usage.h"

#include "app/manager/port.h"
#include "app/manager/state.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MINUTE_MS = 60000, TURN_MS = 10, TEXT_MAX = 64 };

struct rig {
    struct ss_manager *manager;
    struct ss_conf conf;
    char directory[32];
    uint16_t port;
};

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/* A manager with a port that has a limit. */
static void open_rig(struct rig *r)
{
    assert_int_not_equal(sodium_init(), -1);
    *r = (struct rig){.manager = calloc(1, sizeof *r->manager), .directory = "/tmp/usage-XXXXXX"};
    struct ss_manager *m = r->manager;
    assert_non_null(m);
    assert_non_null(mkdtemp(r->directory));
    r->conf = (struct ss_conf){.mode = SSP_TCP_ONLY,
                               .servers = 1,
                               .timeout_s = 60,
                               .method = strdup("aes-128-gcm"),
                               .outbound = SS_OUTBOUND_ALL};
    assert_int_equal(ssp__endpoint_set(&r->conf.server[0], "127.0.0.1", 0), 0);
    m->conf = &r->conf;
    m->directory = r->directory;
    m->directory_fd = ss_state_open(r->directory);
    assert_int_not_equal(m->directory_fd, -1);
    assert_int_equal(ss_process_open(&m->process, SS_MANAGER, &r->conf), 0);
    char settings[TEXT_MAX];
    enum ss_port_verdict verdict = SS_PORT_TAKEN;
    for (unsigned tries = 0; tries < 16 && verdict == SS_PORT_TAKEN; tries++) {
        r->port = free_port();
        (void)snprintf(settings, sizeof settings,
                       "{\"server_port\":%u,\"password\":\"p\",\"limit_bytes\":30000}", r->port);
        verdict = ss_port_put(m, r->port, settings, true);
    }
    assert_int_equal(verdict, SS_PORT_SERVES);
}

static void close_rig(struct rig *r)
{
    struct ss_manager *m = r->manager;
    ss_port_remove(m->port[r->port]);
    assert_null(m->port[r->port]);
    (void)close(m->directory_fd);
    ss_process_close(&m->process);
    ss_conf_release(&r->conf);
    free(m);
    assert_int_equal(rmdir(r->directory), 0); /* the bytes have left with the port */
}

static void carry(struct rig *r, uint64_t bytes)
{
    ss_port_instance(r->manager->port[r->port])->relay.meter->counters.bytes_up += bytes;
}

static void expect_kept(const struct rig *r, const char *text)
{
    char name[SS_STATE_NAME_MAX], got[TEXT_MAX] = "";
    (void)snprintf(name, sizeof name, ".shadowsocks_%u.used", r->port);
    int fd = openat(r->manager->directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        assert_true(read(fd, got, sizeof got - 1) > 0);
        (void)close(fd);
    }
    assert_string_equal(got, text);
}

static void woken(void *arg)
{
    (void)arg;
}

/* The loop runs what is due; the timer of the bytes is to be within a minute. */
static void turn(struct rig *r, bool minute_over)
{
    struct ssp__timer wake = {.fire = woken};
    ssp_loop *loop = r->manager->process.program.loop;
    uint64_t now = ssp__loop_now_ms(loop);
    struct ssp__timer *usage = &r->manager->usage;
    assert_non_null(usage->lane);
    assert_true(usage->due_ms > now && usage->due_ms <= now + MINUTE_MS);
    if (minute_over)
        usage->due_ms = now;
    ssp__timer_start(loop, &wake, 1);
    while (wake.lane != NULL)
        assert_int_equal(ssp_loop_turn(loop, TURN_MS), 0);
}

static void the_bytes_are_kept_each_minute(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    ss_usage_begin(r.manager);
    carry(&r, 1000);
    turn(&r, false);
    expect_kept(&r, "");
    turn(&r, true);
    expect_kept(&r, "{\"port\":1000}\n");
    carry(&r, 500);
    turn(&r, false);
    expect_kept(&r, "{\"port\":1000}\n");
    turn(&r, true);
    expect_kept(&r, "{\"port\":1500}\n");
    carry(&r, 1);
    ss_usage_end(r.manager);
    expect_kept(&r, "{\"port\":1501}\n");
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_bytes_are_kept_each_minute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
