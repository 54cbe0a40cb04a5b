/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange with a store that sends a byte now and then: its end does not depend on the store. */
#include "app/exchange.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT_MS = 200, EVER_MS = 3600000 };

/* A store that begins an answer of a megabyte. */
struct slow {
    int listener;
    atomic_bool *stop; /* set after the first byte; NULL: never */
    pthread_t thread;
};

static void *drip(void *arg)
{
    static const char begin[] = "*1\r\n$1000000\r\n";
    const struct slow *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    ssize_t n = send(fd, begin, sizeof begin - 1, MSG_NOSIGNAL);
    struct pollfd gone = {.fd = fd, .events = POLLRDHUP};
    while (n > 0 && poll(&gone, 1, 10) == 0) {
        n = send(fd, "x", 1, MSG_NOSIGNAL);
        if (s->stop != NULL)
            atomic_store(s->stop, true);
    }
    (void)close(fd);
    return NULL;
}

static void open_slow(struct slow *s, struct ss_exchange *x)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    char url[64];
    const char *why;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, drip, s), 0);
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u", ntohs(at.sin_port));
    assert_int_equal(ss_store_place_read(&x->place, url, &why), 0);
}

static void close_slow(struct slow *s, struct ss_exchange *x)
{
    ss_exchange_close(x);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->listener);
}

static void slow_answers_have_a_limit(void **unused)
{
    struct ss_exchange x = {.ports = 0};
    atomic_bool over = false;
    struct slow slow = {.stop = NULL};
    (void)unused;
    open_slow(&slow, &x);
    ss_exchange_run(&x, &over, LIMIT_MS);
    assert_null(x.connection);
    assert_string_equal(x.why, "XREAD: the store answers too slowly");
    close_slow(&slow, &x);
}

static void the_end_of_the_program_is_one(void **unused)
{
    struct ss_exchange x = {.ports = 0};
    atomic_bool over = false;
    struct slow slow = {.stop = &over};
    (void)unused;
    open_slow(&slow, &x);
    ss_exchange_run(&x, &over, EVER_MS);
    assert_null(x.connection);
    close_slow(&slow, &x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_answers_have_a_limit),
        cmocka_unit_test(the_end_of_the_program_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
