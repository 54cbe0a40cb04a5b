/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/seccomp.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* on every architecture; not in the headers of musl */
#endif

#if defined(__x86_64__) && defined(__LP64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#define NATIVE 0 /* no filter: its numbers and ABIs were never checked here */
#endif

/* Numbers that are the same on every architecture, which headers may lack. */
enum { PIDFD_SEND_SIGNAL = 424, PIDFD_OPEN = 434, PROCESS_MADVISE = 440, PROCESS_MRELEASE = 448 };
enum { SCHED_CORE = 62, IOPRIO_USER = 3, NO_VALUE = 0xffff }; /* of prctl() and ioprio_set() */
enum { IPPROTO_SMC_ = 256, IPPROTO_MPTCP_ = 262 };
enum { FIOSETOWN_ = 0x8901, SIOCSPGRP_ = 0x8902 }; /* of ioctl() */

#define X32_BIT 0x40000000U
#define OUTSIDE 0xffffffffU /* the number a tracer gives a call that it skips */
#define SKIP(n) ((uint8_t)(n))
#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
/* The low half of argument n: the flags looked at here are all in it. */
#define ARGUMENT(n) (FIELD(args) + 8U * (n) + (__BYTE_ORDER == __BIG_ENDIAN ? 4U : 0U))
#define FAIL_WITH(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))

#define NEW_NAMESPACE                                                                              \
    ((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |      \
                CLONE_NEWPID | CLONE_NEWNET))

static const uint16_t denied[] = {
    /* other processes */
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_pidfd_getfd,
    PROCESS_MADVISE,
    PROCESS_MRELEASE,
    /* parts of the kernel with a record */
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_fanotify_init,
    SYS_personality,
    /* keys */
    SYS_add_key,
    SYS_keyctl,
    SYS_request_key,
    /* mounts, namespaces, and files without a path to check */
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_open_tree,
    SYS_move_mount,
    SYS_mount_setattr,
    467 /* open_tree_attr */,
    SYS_unshare,
    SYS_setns,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    /* the machine */
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_syslog,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_vhangup,
#ifdef SYS_settimeofday /* 32-bit machines may have others in place of it, and of the next */
    SYS_settimeofday,
#endif
#ifdef SYS_clock_settime
    SYS_clock_settime,
#endif
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#if defined(__x86_64__)
    SYS_modify_ldt,
    SYS_iopl,
    SYS_ioperm,
#endif
};

/* Calls that change or look into the process of a number: only 0, the caller itself, is left. */
static const struct of_process {
    uint16_t number;
    uint8_t argument; /* the one with the process */
    uint16_t user;    /* this value of argument 0 means all processes of a user */
} of_process[] = {
    {SYS_prlimit64, 0, NO_VALUE},          {SYS_sched_setaffinity, 0, NO_VALUE},
    {SYS_sched_setscheduler, 0, NO_VALUE}, {SYS_sched_setparam, 0, NO_VALUE},
    {SYS_sched_setattr, 0, NO_VALUE},      {SYS_setpriority, 1, PRIO_USER},
    {SYS_ioprio_set, 1, IOPRIO_USER},      {SYS_migrate_pages, 0, NO_VALUE},
    {SYS_move_pages, 0, NO_VALUE},         {SYS_get_robust_list, 0, NO_VALUE},
};

/* Calls that signal the process, the group or the thread of a number. */
static const struct signalling {
    uint16_t number;
    uint8_t argument;
} signalling[] = {
    {SYS_kill, 0},
    {SYS_rt_sigqueueinfo, 0},
    {SYS_tkill, 0},
    {SYS_tgkill, 0},
    {SYS_rt_tgsigqueueinfo, 0},
    {SYS_tgkill, 1},
    {SYS_rt_tgsigqueueinfo, 1},
};

static const uint16_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { FIXED_STEPS = 96, SELF_STEPS = 10, GUARDED_STEPS = SSP_GUARDED_MAX + 5 };
static_assert(2 * COUNT(denied) + SELF_STEPS * COUNT(of_process) + COUNT(families) +
                      GUARDED_STEPS * COUNT(signalling) + FIXED_STEPS <=
                  (size_t)SSP_SANDBOX_FILTER_MAX,
              "the filter has room");

static void step(struct ssp__sandbox *sb, struct sock_filter instruction)
{
    assert(sb->filter_len < SSP_SANDBOX_FILTER_MAX);
    sb->filter[sb->filter_len++] = instruction;
}

static void load(struct ssp__sandbox *sb, uint32_t offset)
{
    step(sb, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void answer(struct ssp__sandbox *sb, uint32_t action)
{
    step(sb, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Skips so many steps when the loaded word compares so, or other many when it does not. */
static void compare(struct ssp__sandbox *sb, int how, uint32_t with, uint8_t yes, uint8_t no)
{
    step(sb, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | how | BPF_K), with, yes, no));
}

static void refuse(struct ssp__sandbox *sb, uint32_t number, int error)
{
    compare(sb, BPF_JEQ, number, SKIP(0), SKIP(1));
    answer(sb, FAIL_WITH(error));
}

struct condition {
    unsigned argument;
    int how; /* BPF_JEQ, BPF_JSET */
    uint32_t value;
};

/* Refuses a call when an argument compares so.  The number of the call is loaded, and stays so. */
static void refuse_when(struct ssp__sandbox *sb, uint32_t number, struct condition when, int error)
{
    compare(sb, BPF_JEQ, number, SKIP(0), SKIP(4));
    load(sb, ARGUMENT(when.argument));
    compare(sb, when.how, when.value, SKIP(0), SKIP(1));
    answer(sb, FAIL_WITH(error));
    load(sb, FIELD(nr));
}

static void refuse_value(struct ssp__sandbox *sb, uint32_t number, unsigned argument,
                         uint32_t value)
{
    refuse_when(sb, number, (struct condition){argument, BPF_JEQ, value}, EPERM);
}

/* Leaves the number of the system call loaded. */
static void only_native(struct ssp__sandbox *sb)
{
    load(sb, FIELD(arch));
    compare(sb, BPF_JEQ, NATIVE, SKIP(1), SKIP(0));
    answer(sb, SECCOMP_RET_KILL_PROCESS);
    load(sb, FIELD(nr));
#if defined(__x86_64__)
    compare(sb, BPF_JGE, X32_BIT, SKIP(0), SKIP(2));
    compare(sb, BPF_JEQ, OUTSIDE, SKIP(1), SKIP(0));
    answer(sb, SECCOMP_RET_KILL_PROCESS);
#endif
}

static void only_plain_clone(struct ssp__sandbox *sb)
{
    /* Its flags are in memory, where a filter cannot look; callers then fall back to clone. */
    refuse(sb, SYS_clone3, ENOSYS);
    compare(sb, BPF_JEQ, SYS_clone, SKIP(0), SKIP(4));
    load(sb, ARGUMENT(0));
    compare(sb, BPF_JSET, NEW_NAMESPACE, SKIP(0), SKIP(1));
    answer(sb, FAIL_WITH(EPERM));
    load(sb, FIELD(nr));
}

/* No typing into the terminal that the host was started from. */
static void no_terminal_input(struct ssp__sandbox *sb)
{
    refuse_value(sb, SYS_ioctl, 1, TIOCSTI);
    refuse_value(sb, SYS_ioctl, 1, TIOCLINUX);
}

static void only_itself(struct ssp__sandbox *sb, const struct of_process *call)
{
    if (call->user != NO_VALUE)
        refuse_value(sb, call->number, 0, call->user);
    compare(sb, BPF_JEQ, call->number, SKIP(0), SKIP(4));
    load(sb, ARGUMENT(call->argument));
    compare(sb, BPF_JEQ, 0, SKIP(1), SKIP(0));
    answer(sb, FAIL_WITH(EPERM));
    load(sb, FIELD(nr));
}

/* Other families are for the network's administration, or parts of the kernel with a record. */
static void only_known_families(struct ssp__sandbox *sb)
{
    compare(sb, BPF_JEQ, SYS_socket, SKIP(0), SKIP(COUNT(families) + 3));
    load(sb, ARGUMENT(0));
    for (size_t i = 0; i < COUNT(families); i++)
        compare(sb, BPF_JEQ, families[i], SKIP(COUNT(families) - i), SKIP(0));
    answer(sb, FAIL_WITH(EAFNOSUPPORT));
    load(sb, FIELD(nr));
}

/* ---- signals, where Landlock cannot scope them ---- */

static void spare_guarded(struct ssp__sandbox *sb, uint32_t number, unsigned argument)
{
    const unsigned n = sb->guarded_len;
    compare(sb, BPF_JEQ, number, SKIP(0), SKIP(n + 4));
    load(sb, ARGUMENT(argument));
    for (unsigned i = 0; i < n; i++)
        compare(sb, BPF_JEQ, (uint32_t)sb->guarded[i], SKIP(n - i), SKIP(0));
    compare(sb, BPF_JEQ, (uint32_t)-1, SKIP(0), SKIP(1)); /* everybody */
    answer(sb, FAIL_WITH(EPERM));
    load(sb, FIELD(nr));
}

/* The owner of a descriptor gets the signals that are asked for.  SIOCSPGRP and its like have the
 * number in memory, where a filter cannot look. */
static void no_signals_by_descriptors(struct ssp__sandbox *sb)
{
    refuse_value(sb, SYS_fcntl, 1, F_SETOWN);
    refuse_value(sb, SYS_fcntl, 1, F_SETOWN_EX);
    refuse_value(sb, SYS_ioctl, 1, FIOSETOWN_);
    refuse_value(sb, SYS_ioctl, 1, SIOCSPGRP_);
    refuse(sb, PIDFD_SEND_SIGNAL, ENOSYS);
}

static void no_signals_to_guarded(struct ssp__sandbox *sb)
{
    for (size_t i = 0; i < COUNT(signalling); i++)
        spare_guarded(sb, signalling[i].number, signalling[i].argument);
    no_signals_by_descriptors(sb);
}

/* ---- the filter ---- */

static bool usable(void)
{
    const uint32_t wanted = SECCOMP_RET_KILL_PROCESS;
    return NATIVE != 0 && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &wanted) == 0;
}

static void begin(struct ssp__sandbox *sb)
{
    sb->filter_len = 0;
    only_native(sb);
    for (size_t i = 0; i < COUNT(denied); i++)
        refuse(sb, denied[i], EPERM);
    /* Callers do without it, as on kernels before 5.3. */
    refuse(sb, PIDFD_OPEN, ENOSYS);
    for (size_t i = 0; i < COUNT(of_process); i++)
        only_itself(sb, &of_process[i]);
    refuse_value(sb, SYS_prctl, 0, SCHED_CORE);
    only_known_families(sb);
    no_terminal_input(sb);
    only_plain_clone(sb);
}

/* Ways to use a port that Landlock does not see: protocols beside TCP, and a connect by send. */
static void only_seen_ports(struct ssp__sandbox *sb)
{
    static const uint16_t unseen[] = {IPPROTO_SCTP, IPPROTO_SMC_, IPPROTO_MPTCP_};
    static const struct {
        uint16_t number;
        uint8_t flags;
    } sends[] = {{SYS_sendto, 3}, {SYS_sendmsg, 2}, {SYS_sendmmsg, 3}};
    size_t refused = COUNT(unseen) - (sb->mptcp ? 1 : 0);
    for (size_t i = 0; i < refused; i++)
        refuse_when(sb, SYS_socket, (struct condition){2, BPF_JEQ, unseen[i]}, EPROTONOSUPPORT);
    for (size_t i = 0; i < COUNT(sends); i++)
        refuse_when(sb, sends[i].number, (struct condition){sends[i].flags, BPF_JSET, MSG_FASTOPEN},
                    EOPNOTSUPP);
}

static void no_programs(struct ssp__sandbox *sb)
{
    refuse(sb, SYS_execve, EPERM);
    refuse(sb, SYS_execveat, EPERM);
}

void ssp__seccomp_prepare(struct ssp__sandbox *sb, enum ssp__seccomp_for whom)
{
    if (!usable())
        return;
    begin(sb);
    if (whom == SSP_SECCOMP_HOST)
        no_programs(sb);
    else /* the guardian takes what it cannot read for another guardian */
        refuse_value(sb, SYS_prctl, 0, PR_SET_DUMPABLE);
    if (sb->ports)
        only_seen_ports(sb);
    if (whom == SSP_SECCOMP_PLUGIN_UNSCOPED)
        no_signals_to_guarded(sb);
    answer(sb, SECCOMP_RET_ALLOW);
}

int ssp__seccomp_enter(const struct ssp__sandbox *sb)
{
    /* The kernel does not write to the filter; its interface only lacks the const. */
    struct sock_fprog program = {.len = sb->filter_len,
                                 .filter = (struct sock_filter *)(uintptr_t)sb->filter};
    if (sb->filter_len == 0)
        return 0;
    /* Without SPEC_ALLOW, kernels before 5.16 slow the process down by speculation barriers. */
    const unsigned long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0)
        return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == -1 ? -1 : 0;
}
