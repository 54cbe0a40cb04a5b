/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/seccomp.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
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
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_vhangup,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#if defined(__x86_64__)
    SYS_modify_ldt,
    SYS_iopl,
    SYS_ioperm,
#endif
};

enum { DENIED = sizeof denied / sizeof *denied, FIXED_STEPS = 24 };
static_assert(2 * DENIED + FIXED_STEPS <= SSP_SANDBOX_FILTER_MAX, "the filter has room");

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
    answer(sb, SECCOMP_RET_ALLOW);
}

/* No typing into the terminal that the host was started from. */
static void no_terminal_input(struct ssp__sandbox *sb)
{
    compare(sb, BPF_JEQ, SYS_ioctl, SKIP(0), SKIP(5));
    load(sb, ARGUMENT(1));
    compare(sb, BPF_JEQ, TIOCSTI, SKIP(1), SKIP(0));
    compare(sb, BPF_JEQ, TIOCLINUX, SKIP(0), SKIP(1));
    answer(sb, FAIL_WITH(EPERM));
    answer(sb, SECCOMP_RET_ALLOW);
}

void ssp__seccomp_prepare(struct ssp__sandbox *sb)
{
    const uint32_t wanted = SECCOMP_RET_KILL_PROCESS;
    if (NATIVE == 0 || syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &wanted) == -1)
        return;
    only_native(sb);
    for (size_t i = 0; i < DENIED; i++)
        refuse(sb, denied[i], EPERM);
    only_plain_clone(sb);
    no_terminal_input(sb);
    answer(sb, SECCOMP_RET_ALLOW);
}

int ssp__seccomp_enter(const struct ssp__sandbox *sb)
{
    /* The kernel does not write to the filter; its interface only lacks the const. */
    struct sock_fprog program = {.len = sb->filter_len,
                                 .filter = (struct sock_filter *)(uintptr_t)sb->filter};
    if (sb->filter_len == 0)
        return 0;
    /* Without the flag, kernels before 5.16 slow the plugin down by speculation barriers. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) ==
        0)
        return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == -1 ? -1 : 0;
}
