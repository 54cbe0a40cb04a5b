/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/privilege.h"

#include "scratch.h"

#include <arpa/inet.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOMEBODY = 12345, STATUS_MAX = 8192 };

#define NET_BIND_ONLY "0000000000000400"
#define NOTHING "0000000000000000"

static void only_root_can_test_this(void)
{
    if (geteuid() != 0)
        skip();
}

/* ---- what a program sees that is executed in there ---- */

/* The value of a line of /proc/self/status, as cat reads it of itself. */
static bool status_says(const char *status, const char *key, const char *value)
{
    const char *line = strstr(status, key);
    if (line == NULL || line[strlen(key)] != ':')
        return false;
    line += strlen(key) + 1;
    line += strspn(line, " \t");
    size_t len = strcspn(line, "\n");
    while (len > 0 && line[len - 1] == ' ')
        len--;
    if (len == strlen(value) && strncmp(line, value, len) == 0)
        return true;
    (void)fprintf(stderr, "%s is \"%.*s\", not \"%s\"\n", key, (int)len, line, value);
    return false;
}

static bool ids_are(const char *status, const char *key, unsigned id)
{
    char value[64];
    (void)snprintf(value, sizeof value, "%u\t%u\t%u\t%u", id, id, id, id);
    return status_says(status, key, value);
}

/* Enters p in a child that becomes cat. */
static void status_in(const struct ssp__privilege *p, char status[STATUS_MAX])
{
    int pair[2];
    size_t len = 0;
    assert_int_equal(pipe(pair), 0);
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        if (dup2(pair[1], STDOUT_FILENO) != -1 && ssp__privilege_enter(p) == 0)
            (void)execl("/bin/cat", "cat", "/proc/self/status", (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    (void)close(pair[1]);
    for (ssize_t n = 1; n > 0; len += (size_t)n)
        n = read(pair[0], status + len, STATUS_MAX - 1 - len);
    (void)close(pair[0]);
    status[len] = '\0';
    assert_int_equal(outcome(pid), 0);
}

static struct ssp__privilege prepared(const char *user)
{
    struct ssp__privilege p;
    char why[256] = "";
    if (ssp__privilege_prepare(&p, user, why, sizeof why) == -1)
        fail_msg("%s", why);
    return p;
}

static void capabilities_are(const char *status, const char *set)
{
    assert_true(status_says(status, "CapInh", set));
    assert_true(status_says(status, "CapPrm", set));
    assert_true(status_says(status, "CapEff", set));
    assert_true(status_says(status, "CapAmb", set));
    /* A set that only root may bound; it stays for files that carry it. */
    if (geteuid() == 0)
        assert_true(status_says(status, "CapBnd", NET_BIND_ONLY));
}

/* ---- tests ---- */

static void a_plugin_of_root_runs_as_its_user_with_nothing_of_root(void **unused)
{
    char status[STATUS_MAX];
    (void)unused;
    only_root_can_test_this();
    struct ssp__privilege p = prepared("nobody");
    status_in(&p, status);
    assert_true(ids_are(status, "Uid", 65534));
    assert_true(ids_are(status, "Gid", 65534));
    assert_true(status_says(status, "Groups", ""));
    assert_true(status_says(status, "NoNewPrivs", "1"));
    capabilities_are(status, NOTHING);
}

static void a_low_port_brings_one_capability_and_no_other(void **unused)
{
    char status[STATUS_MAX];
    (void)unused;
    only_root_can_test_this();
    struct ssp__privilege p = prepared("nobody");
    p.keep_net_bind = true;
    status_in(&p, status);
    assert_true(ids_are(status, "Uid", 65534));
    assert_true(status_says(status, "NoNewPrivs", "1"));
    capabilities_are(status, NET_BIND_ONLY);
}

static void without_a_user_the_uid_stays_and_capabilities_go(void **unused)
{
    char status[STATUS_MAX];
    struct ssp__privilege p = prepared(NULL);
    (void)unused;
    assert_false(p.change);
    status_in(&p, status);
    assert_true(ids_are(status, "Uid", geteuid()));
    assert_true(status_says(status, "NoNewPrivs", "1"));
    capabilities_are(status, NOTHING);
}

static void root_that_stays_root_can_keep_the_low_ports(void **unused)
{
    char status[STATUS_MAX];
    struct ssp__privilege p = prepared("");
    (void)unused;
    only_root_can_test_this();
    p.keep_net_bind = true;
    status_in(&p, status);
    capabilities_are(status, NET_BIND_ONLY);
}

/* As a service manager starts us: a user with two ambient capabilities. */
static int as_a_service(const void *act)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[2] = {{0}};
    uint32_t two = 1U << CAP_NET_BIND_SERVICE | 1U << CAP_NET_RAW;
    set[0] = (struct __user_cap_data_struct){two, two, two};
    PROVE(prctl(PR_SET_KEEPCAPS, 1) == 0);
    PROVE(setgroups(0, NULL) == 0 && setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0);
    PROVE(syscall(SYS_capset, &head, set) == 0);
    PROVE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0);
    PROVE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0);
    int (*const *then)(void) = act;
    return (*then)();
}

static int keep_of_a_service(void)
{
    char status[STATUS_MAX];
    struct ssp__privilege p = {.keep_net_bind = true};
    status_in(&p, status);
    PROVE(ids_are(status, "Uid", SOMEBODY));
    PROVE(status_says(status, "CapPrm", NET_BIND_ONLY));
    PROVE(status_says(status, "CapEff", NET_BIND_ONLY));
    PROVE(status_says(status, "CapAmb", NET_BIND_ONLY));
    p.keep_net_bind = false;
    status_in(&p, status);
    PROVE(status_says(status, "CapPrm", NOTHING));
    PROVE(status_says(status, "CapAmb", NOTHING));
    return 0;
}

static void a_service_with_ambient_capabilities_hands_on_one_at_most(void **unused)
{
    int (*act)(void) = keep_of_a_service;
    (void)unused;
    only_root_can_test_this();
    assert_int_equal(in_child(as_a_service, &act), 0);
}

static bool bind_loopback(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd != -1 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    (void)close(fd);
    return bound;
}

/* In a network of its own, so that whoever has port 80 here does not matter. */
static int bind_80(const void *arg)
{
    const struct ssp__privilege *p = arg;
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    PROVE(unshare(CLONE_NEWNET) == 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    PROVE(ioctl(fd, SIOCSIFFLAGS, &lo) == 0);
    PROVE(ssp__privilege_enter(p) == 0);
    PROVE(bind_loopback(80) == p->keep_net_bind);
    PROVE(bind_loopback(8080));
    return 0;
}

static void port_80_can_be_bound_with_the_capability_and_not_without(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    struct ssp__privilege p = prepared("nobody");
    assert_int_equal(in_child(bind_80, &p), 0);
    p.keep_net_bind = true;
    assert_int_equal(in_child(bind_80, &p), 0);
}

/* System calls: libc's functions abort where a thread of a sanitizer fares otherwise than this one.
 */
static int try_to_return(const void *arg)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    PROVE(ssp__privilege_enter(arg) == 0);
    PROVE(syscall(SYS_setuid, 0) == -1 && syscall(SYS_setresuid, -1, 0, -1) == -1);
    PROVE(syscall(SYS_setgid, 0) == -1 && syscall(SYS_setresgid, -1, 0, -1) == -1);
    PROVE(syscall(SYS_setresuid, 0, 0, 0) == -1 && syscall(SYS_setgroups, 0, NULL) == -1);
    PROVE(syscall(SYS_capset, &head, all) == -1);
    PROVE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) == -1);
    PROVE(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == -1);
    return 0;
}

static void there_is_no_way_back_to_root(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    struct ssp__privilege p = prepared("nobody");
    assert_int_equal(in_child(try_to_return, &p), 0);
    p.keep_net_bind = true;
    assert_int_equal(in_child(try_to_return, &p), 0);
}

static void a_number_without_an_account_is_a_user_too(void **unused)
{
    char status[STATUS_MAX];
    (void)unused;
    only_root_can_test_this();
    struct ssp__privilege p = prepared("12345");
    status_in(&p, status);
    assert_true(ids_are(status, "Uid", SOMEBODY));
    assert_true(ids_are(status, "Gid", SOMEBODY));
    assert_true(status_says(status, "Groups", ""));
}

static void a_number_with_an_account_gets_the_groups_of_the_account(void **unused)
{
    (void)unused;
    only_root_can_test_this();
    const struct passwd *nobody = getpwnam("nobody");
    assert_non_null(nobody);
    char text[16];
    (void)snprintf(text, sizeof text, "%u", nobody->pw_uid);
    struct ssp__privilege p = prepared(text);
    assert_true(p.change);
    assert_int_equal(p.uid, nobody->pw_uid);
    assert_int_equal(p.gid, nobody->pw_gid);
    assert_int_equal(p.groups, 0);
}

static void supplementary_groups_come_along(void **unused)
{
    char status[STATUS_MAX];
    (void)unused;
    only_root_can_test_this();
    struct ssp__privilege p = prepared("nobody");
    p.group[p.groups++] = 4242;
    status_in(&p, status);
    assert_true(status_says(status, "Groups", "4242"));
}

static void an_unknown_user_is_refused(void **unused)
{
    static const char *const names[] = {"no-such-user-here",   "-1", "4294967295", "12x", " 1",
                                        "99999999999999999999"};
    struct ssp__privilege p;
    char why[256];
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(ssp__privilege_prepare(&p, names[i], why, sizeof why), -1);
        assert_non_null(strstr(why, "no such user"));
    }
}

static int ask_for_another(const void *unused)
{
    struct ssp__privilege p;
    char why[256], self[16];
    (void)unused;
    PROVE(geteuid() != 0 || setuid(SOMEBODY) == 0);
    PROVE(ssp__privilege_prepare(&p, "0", why, sizeof why) == -1);
    PROVE(strstr(why, "only root can") != NULL);
    (void)snprintf(self, sizeof self, "%u", (unsigned)geteuid());
    PROVE(ssp__privilege_prepare(&p, self, why, sizeof why) == 0 && !p.change);
    return 0;
}

static void who_is_not_root_can_only_stay_himself(void **unused)
{
    (void)unused;
    assert_int_equal(in_child(ask_for_another, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_of_root_runs_as_its_user_with_nothing_of_root),
        cmocka_unit_test(a_low_port_brings_one_capability_and_no_other),
        cmocka_unit_test(without_a_user_the_uid_stays_and_capabilities_go),
        cmocka_unit_test(root_that_stays_root_can_keep_the_low_ports),
        cmocka_unit_test(a_service_with_ambient_capabilities_hands_on_one_at_most),
        cmocka_unit_test(port_80_can_be_bound_with_the_capability_and_not_without),
        cmocka_unit_test(there_is_no_way_back_to_root),
        cmocka_unit_test(a_number_without_an_account_is_a_user_too),
        cmocka_unit_test(a_number_with_an_account_gets_the_groups_of_the_account),
        cmocka_unit_test(supplementary_groups_come_along),
        cmocka_unit_test(an_unknown_user_is_refused),
        cmocka_unit_test(who_is_not_root_can_only_stay_himself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
