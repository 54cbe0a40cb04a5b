/* SPDX-License-Identifier: Apache-2.0 */
/* Linked with --wrap=poll,epoll_wait,epoll_ctl. */
#include "examine.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>

#include <cmocka.h>

static bool interrupted;  /* every second wait is */
static unsigned refusals; /* the epoll_ctl() that the kernel refuses; 0: none */

static bool interrupts(int wait_ms)
{
    static unsigned waits;
    if (!interrupted || wait_ms == 0 || ++waits % 2 == 0)
        return false;
    errno = EINTR;
    return true;
}

int __real_poll(struct pollfd *p, nfds_t n, int wait_ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int wait_ms);

int __wrap_poll(struct pollfd *p, nfds_t n, int wait_ms)
{
    return interrupts(wait_ms) ? -1 : __real_poll(p, n, wait_ms);
}

int __real_epoll_wait(int fd, struct epoll_event *e, int n, int wait_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *e, int n, int wait_ms);

int __wrap_epoll_wait(int fd, struct epoll_event *e, int n, int wait_ms)
{
    return interrupts(wait_ms) ? -1 : __real_epoll_wait(fd, e, n, wait_ms);
}

int __real_epoll_ctl(int fd, int op, int of, struct epoll_event *e);
int __wrap_epoll_ctl(int fd, int op, int of, struct epoll_event *e);

int __wrap_epoll_ctl(int fd, int op, int of, struct epoll_event *e)
{
    if (op == EPOLL_CTL_ADD && refusals > 0 && --refusals == 0) {
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(fd, op, of, e);
}

/* Too large for a stack. */
static struct examination x;
static char why[EXAMINE_TEXT];

/* A program that ends by itself takes the place of a plugin. */
static int examine_program(const char *path)
{
    struct place place = {.role = SSP_CLIENT};
    (void)ssp__endpoint_set(&place.local, "127.0.0.1", 1);
    place_complete(&place, SSP_CLIENT);
    x = (struct examination){.place = &place, .plugin = path, .wait_ms = 60000};
    why[0] = '\0';
    int rc = examine(&x, why, sizeof why);
    x.place = NULL;
    return rc;
}

static void an_interrupted_wait_is_no_late_start(void **unused)
{
    (void)unused;
    interrupted = true;
    int rc = examine_program("/bin/false");
    interrupted = false;
    assert_int_equal(rc, 0);
    assert_int_equal(x.reached, REACHED_EXITED);
    assert_int_equal(x.status, 1);
}

/* The loop's own, and one for each descriptor of the guardian. */
static void a_refused_watch_ends_it_at_once(void **unused)
{
    unsigned n = 1;
    (void)unused;
    for (int rc = -1; rc == -1; n++) {
        refusals = n;
        rc = examine_program("/bin/false");
        assert_int_equal(rc == -1, refusals == 0);
        assert_int_equal(rc == -1, strlen(why) > 0);
        refusals = 0;
    }
    assert_int_equal(n, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_wait_is_no_late_start),
        cmocka_unit_test(a_refused_watch_ends_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
