/* SPDX-License-Identifier: Apache-2.0 */
/* Ports, signals, sockets, system calls. */
#include "host/process/sandbox.h"

#include "sandboxed.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef PR_SCHED_CORE /* of Linux 5.14, which the headers of the C library may lack */
#define PR_SCHED_CORE 62
#define PR_SCHED_CORE_SHARE_TO 2
#endif

static const struct ssp__sandbox_rules plain = {.plugin = "/bin/true"};

/* ---- ports ---- */

struct two {
    int fd[2];
    uint16_t port[2]; /* the one that is allowed, and another; both listen */
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct two listen_on_two(void)
{
    struct two t;
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in a = loopback(0);
        socklen_t len = sizeof a;
        t.fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(t.fd[i], (struct sockaddr *)&a, len), 0);
        assert_int_equal(listen(t.fd[i], 8), 0);
        assert_int_equal(getsockname(t.fd[i], (struct sockaddr *)&a, &len), 0);
        t.port[i] = ntohs(a.sin_port);
    }
    return t;
}

static void listen_no_more(const struct two *t)
{
    (void)close(t->fd[0]);
    (void)close(t->fd[1]);
}

/* The errno of a bind or connect on a new socket, or 0. */
static int attempt(int (*call)(int, const struct sockaddr *, socklen_t), uint16_t port)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = call(fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
    (void)close(fd);
    return error;
}

static int connect_to_one(const void *arg)
{
    const struct two *t = arg;
    PROVE(attempt(connect, t->port[0]) == 0);
    PROVE(attempt(connect, t->port[1]) == EACCES);
    PROVE(attempt(bind, 0) == 0);
    return 0;
}

static void connections_go_to_the_ports_that_are_listed(void **unused)
{
    struct two t = listen_on_two();
    const uint16_t allowed[] = {t.port[0], 53, 0};
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .connect_ports = allowed};
    (void)unused;
    assert_int_equal(inside(&rules, ABI_PORTS, connect_to_one, &t), 0);
    listen_no_more(&t);
}

static int bind_one(const void *arg)
{
    const struct two *t = arg;
    PROVE(attempt(bind, t->port[0]) == EADDRINUSE); /* it was allowed to ask */
    PROVE(attempt(bind, t->port[1]) == EACCES);
    PROVE(attempt(bind, 0) == 0); /* to a source address, or for a part of the plugin */
    PROVE(attempt(connect, t->port[1]) == 0);
    return 0;
}

static void listeners_use_the_port_that_is_listed(void **unused)
{
    struct two t = listen_on_two();
    const uint16_t allowed[] = {t.port[0], 0};
    struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .bind_ports = allowed};
    (void)unused;
    assert_int_equal(inside(&rules, ABI_PORTS, bind_one, &t), 0);
    listen_no_more(&t);
}

static int use_any_port(const void *arg)
{
    const struct two *t = arg;
    PROVE(attempt(connect, t->port[0]) == 0 && attempt(connect, t->port[1]) == 0);
    PROVE(attempt(bind, 0) == 0);
    return 0;
}

static void without_lists_every_port_is_open(void **unused)
{
    struct two t = listen_on_two();
    (void)unused;
    assert_int_equal(inside(&plain, 0, use_any_port, &t), 0);
    listen_no_more(&t);
}

/* ---- signals and sockets ---- */

static int signal_around(const void *unused)
{
    (void)unused;
    PROVE(kill(getppid(), 0) == -1 && errno == EPERM);
    pid_t own = fork();
    if (own == 0) {
        (void)pause();
        _exit(0);
    }
    PROVE(own > 0 && kill(own, SIGKILL) == 0 && outcome(own) == ENDED_BY + SIGKILL);
    return 0;
}

static void only_its_own_processes_can_be_signalled(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, ABI_SCOPE, signal_around, NULL), 0);
}

/* Every way to signal the process that has prepared the sandbox, where Landlock has no scope. */
static int signal_without_scope(const void *unused)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    const pid_t host = getppid();
    int fd[2];
    (void)unused;
    PROVE(kill(host, 0) == -1 && errno == EPERM);
    PROVE(kill(-getpgrp(), 0) == -1 && errno == EPERM);
    PROVE(kill(-1, 0) == -1 && errno == EPERM);
    PROVE(syscall(SYS_tkill, host, 0) == -1 && errno == EPERM);
    PROVE(syscall(SYS_tgkill, host, host, 0) == -1 && errno == EPERM);
    PROVE(syscall(SYS_rt_sigqueueinfo, host, SIGUSR1, &info) == -1 && errno == EPERM);
    PROVE(syscall(SYS_rt_tgsigqueueinfo, host, host, SIGUSR1, &info) == -1 && errno == EPERM);
    PROVE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    PROVE(fcntl(fd[0], F_SETOWN, host) == -1 && errno == EPERM);
    PROVE(ioctl(fd[0], FIOSETOWN, &host) == -1 && errno == EPERM);
    PROVE(ioctl(fd[0], SIOCSPGRP, &host) == -1 && errno == EPERM);
    PROVE(kill(getpid(), 0) == 0 && syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
    return 0;
}

static void without_a_scope_the_filter_spares_the_host(void **unused)
{
    (void)unused;
    for (int abi = ABI_FILES; abi < ABI_SCOPE; abi++) {
        const struct ssp__sandbox_rules rules = {.plugin = "/bin/true", .abi_limit = abi};
        assert_int_equal(inside(&rules, abi, signal_without_scope, NULL), 0);
    }
    const struct ssp__sandbox_rules none = {.plugin = "/bin/true", .abi_limit = -1};
    assert_int_equal(inside(&none, 0, signal_without_scope, NULL), 0);
}

static int connect_abstract(const void *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    PROVE(fd != -1);
    PROVE(connect(fd, name, sizeof(struct sockaddr_un)) == -1 && errno == EPERM);
    return 0;
}

static void abstract_sockets_outside_are_out_of_reach(void **unused)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    pid_t self = getpid();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)unused;
    memcpy(name.sun_path + 1, &self, sizeof self); /* any bytes will do, none of others */
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(inside(&plain, ABI_SCOPE, connect_abstract, &name), 0);
    (void)close(fd);
}

/* ---- system calls ---- */

static bool refused(long rc)
{
    return rc == -1 && errno == EPERM;
}

/* With these arguments every call would fail in another way, or do nothing, without a filter. */
static int call_what_is_denied(const void *unused)
{
    static const long bare[] = {
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_kcmp,
        SYS_pidfd_getfd,
        440, /* process_madvise */
        448, /* process_mrelease */
        SYS_bpf,
        SYS_perf_event_open,
        SYS_userfaultfd,
        SYS_io_uring_setup,
        SYS_io_uring_enter,
        SYS_add_key,
        SYS_keyctl,
        SYS_request_key,
        SYS_mount,
        SYS_umount2,
        SYS_pivot_root,
        SYS_chroot,
        SYS_fsopen,
        SYS_fsmount,
        SYS_move_mount,
        SYS_open_tree,
        SYS_unshare,
        SYS_setns,
        SYS_init_module,
        SYS_finit_module,
        SYS_delete_module,
        SYS_kexec_load,
        SYS_swapon,
        SYS_acct,
        SYS_open_by_handle_at,
        SYS_quotactl,
        SYS_settimeofday,
        SYS_sethostname,
    };
    (void)unused;
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        if (!refused(syscall(bare[i], -1L, -1L, -1L, -1L, -1L)))
            return unproven("the system call of this number is refused", __FILE__, (int)bare[i]);
    }
    PROVE(refused(syscall(SYS_personality, 0xffffffffUL)));
    PROVE(refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
    PROVE(refused(syscall(SYS_reboot, 0, 0, 0, NULL)));
    PROVE(refused(ioctl(STDIN_FILENO, TIOCSTI, "x")));
    return 0;
}

static void system_calls_that_no_plugin_needs_are_refused(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, 0, call_what_is_denied, NULL), 0);
}

/* A call of each on the process that has prepared the sandbox, which is of the same user; then on
 * itself, by the number 0. */
static int change_processes(const void *unused)
{
    struct rlimit limit;
    struct sched_param plain_param = {0};
    const pid_t host = getppid();
    cpu_set_t cpus;
    void *page = &limit;
    int node = 0, status;
    (void)unused;
    PROVE(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && getrlimit(RLIMIT_CPU, &limit) == 0);
    PROVE(refused(prlimit(host, RLIMIT_CPU, &limit, NULL)));
    PROVE(refused(prlimit(getpid(), RLIMIT_CPU, NULL, &limit)));
    PROVE(refused(sched_setaffinity(host, sizeof cpus, &cpus)));
    PROVE(refused(syscall(SYS_sched_setscheduler, host, SCHED_OTHER, &plain_param)));
    PROVE(refused(syscall(SYS_sched_setparam, host, &plain_param)));
    PROVE(refused(syscall(SYS_sched_setattr, host, NULL, 0)));
    PROVE(refused(setpriority(PRIO_PROCESS, (id_t)host, 0)));
    PROVE(refused(setpriority(PRIO_PGRP, (id_t)host, 0)));
    PROVE(refused(setpriority(PRIO_USER, 0, 0)));
    PROVE(refused(syscall(SYS_ioprio_set, 1, host, 0)));
    PROVE(refused(syscall(SYS_ioprio_set, 3, 0, 0)));
    PROVE(refused(syscall(SYS_migrate_pages, host, 8, &node, &node)));
    PROVE(refused(syscall(SYS_move_pages, host, 1, &page, NULL, &status, 0)));
    PROVE(refused(syscall(SYS_get_robust_list, host, &page, &page)));
    PROVE(refused(prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_TO, host, 0, NULL)));
    PROVE(syscall(SYS_pidfd_open, host, 0) == -1 && errno == ENOSYS);
    PROVE(prlimit(0, RLIMIT_CPU, &limit, NULL) == 0 && setpriority(PRIO_PROCESS, 0, 1) == 0);
    PROVE(sched_setaffinity(0, sizeof cpus, &cpus) == 0);
    PROVE(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &plain_param) == 0);
    return 0;
}

static void it_changes_no_process_but_itself(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, 0, change_processes, NULL), 0);
}

static int open_sockets(const void *unused)
{
    static const int open[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const int shut[] = {AF_PACKET, AF_VSOCK, AF_ALG, AF_KEY};
    (void)unused;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        PROVE(socket(open[i], SOCK_DGRAM, 0) != -1);
    for (size_t i = 0; i < sizeof shut / sizeof *shut; i++)
        PROVE(socket(shut[i], SOCK_RAW, 0) == -1 && errno == EAFNOSUPPORT);
    return 0;
}

static void sockets_are_for_the_network_and_for_neighbours(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, 0, open_sockets, NULL), 0);
}

static int clone_all_ways(const void *unused)
{
    static const int flags[] = {CLONE_NEWNS,  CLONE_NEWUSER, CLONE_NEWPID,   CLONE_NEWNET,
                                CLONE_NEWIPC, CLONE_NEWUTS,  CLONE_NEWCGROUP};
    (void)unused;
    PROVE(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        PROVE(refused(syscall(SYS_clone, (long)flags[i] | SIGCHLD, NULL, NULL, NULL, NULL)));
    pid_t pid = fork();
    if (pid == 0)
        _exit(42);
    PROVE(pid > 0 && outcome(pid) == 42);
    return 0;
}

static void processes_can_be_forked_but_not_into_new_namespaces(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, 0, clone_all_ways, NULL), 0);
}

static int call_what_does_not_exist(const void *unused)
{
    (void)unused;
    PROVE(syscall(-1) == -1 && errno == ENOSYS);
    PROVE(syscall(4095) == -1 && errno == ENOSYS);
    return 0;
}

static void unknown_system_calls_get_the_answer_of_the_kernel(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, 0, call_what_does_not_exist, NULL), 0);
}

#if defined(__x86_64__)
static int call_x32(const void *unused)
{
    (void)unused;
    return (int)syscall(0x40000000 | SYS_getpid);
}

static int call_32_bit(const void *unused)
{
    long rc = 20; /* getpid */
    (void)unused;
    __asm__ volatile("int $0x80" : "+a"(rc) : : "memory");
    return (int)rc;
}

static void system_calls_of_another_architecture_end_the_process(void **unused)
{
    (void)unused;
    assert_int_equal(inside(&plain, 0, call_x32, NULL), ENDED_BY + SIGSYS);
    assert_int_equal(inside(&plain, 0, call_32_bit, NULL), ENDED_BY + SIGSYS);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_go_to_the_ports_that_are_listed),
        cmocka_unit_test(listeners_use_the_port_that_is_listed),
        cmocka_unit_test(without_lists_every_port_is_open),
        cmocka_unit_test(only_its_own_processes_can_be_signalled),
        cmocka_unit_test(without_a_scope_the_filter_spares_the_host),
        cmocka_unit_test(it_changes_no_process_but_itself),
        cmocka_unit_test(sockets_are_for_the_network_and_for_neighbours),
        cmocka_unit_test(abstract_sockets_outside_are_out_of_reach),
        cmocka_unit_test(system_calls_that_no_plugin_needs_are_refused),
        cmocka_unit_test(processes_can_be_forked_but_not_into_new_namespaces),
        cmocka_unit_test(unknown_system_calls_get_the_answer_of_the_kernel),
#if defined(__x86_64__)
        cmocka_unit_test(system_calls_of_another_architecture_end_the_process),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
