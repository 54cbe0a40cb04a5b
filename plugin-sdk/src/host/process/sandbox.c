/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/sandbox.h"

#include "host/sandbox_paths.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* on every architecture; not in the headers of musl */
#endif

/* ---- Landlock, as the kernel's ABI has it: headers lag behind kernels ---- */

enum {
    CREATE_RULESET = 444,
    ADD_RULE = 445,
    RESTRICT_SELF = 446, /* the same numbers on every architecture */
    ASK_VERSION = 1,
    RULE_PATH = 1,
    RULE_PORT = 2
};

enum { /* the ABI that brought it */
       ABI_FILES = 1,
       ABI_REFER = 2,
       ABI_TRUNCATE = 3,
       ABI_PORTS = 4,
       ABI_IOCTL = 5,
       ABI_SCOPE = 6,
       ABI_KNOWN = 7 /* the newest one this file was written for; it brought logging only */
};

#define RIGHT(bit) (UINT64_C(1) << (bit))
#define EXECUTE RIGHT(0)
#define WRITE_FILE RIGHT(1)
#define READ_FILE RIGHT(2)
#define READ_DIR RIGHT(3)
#define MAKE_CHAR RIGHT(6)
#define MAKE_BLOCK RIGHT(11)
#define REFER RIGHT(13)
#define TRUNCATE RIGHT(14)
#define IOCTL RIGHT(15)
#define FIRST_RIGHTS (RIGHT(13) - 1) /* of ABI 1 */

#define READ (READ_FILE | READ_DIR)
#define RUN (READ | EXECUTE)
#define CHANGE ((FIRST_RIGHTS | REFER | TRUNCATE) & ~(EXECUTE | MAKE_CHAR | MAKE_BLOCK))
#define DEVICE (READ_FILE | WRITE_FILE | IOCTL)
#define OF_A_FILE                                                                                  \
    (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL) /* others need a directory */

#define BIND RIGHT(0)
#define CONNECT RIGHT(1)
#define SCOPE_ABSTRACT RIGHT(0)
#define SCOPE_SIGNAL RIGHT(1)

struct ruleset_attr {
    uint64_t files, ports, scoped;
};

struct path_attr {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

struct port_attr {
    uint64_t allowed, port;
};

/* ---- what every program needs ---- */

static const char *const programs[] = {"/usr",    "/bin", "/sbin", "/lib", "/lib32", "/lib64",
                                       "/libx32", "/etc", "/opt",  "/nix", "/gnu"};

/* Run-time facts; in /run, what /etc/resolv.conf may point to. */
static const char *const facts[] = {"/proc",
                                    "/sys",
                                    "/run/systemd/resolve",
                                    "/run/resolvconf",
                                    "/run/NetworkManager",
                                    "/run/connman",
                                    "/run/netconfig",
                                    "/var/lib/ca-certificates"};

static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                      "/dev/urandom"};

/* ---- files and ports ---- */

static uint64_t rights_on_files(int abi)
{
    return FIRST_RIGHTS | (abi >= ABI_REFER ? REFER : 0) | (abi >= ABI_TRUNCATE ? TRUNCATE : 0) |
           (abi >= ABI_IOCTL ? IOCTL : 0);
}

/* Grants rights on path and what is below it.  -1 only when we are out of something. */
static int allow(const struct ssp__sandbox *sb, const char *path, uint64_t rights)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd == -1)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -1 : 0;
    struct path_attr rule = {.allowed = rights & rights_on_files(sb->abi), .fd = fd};
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= OF_A_FILE;
    long rc = syscall(ADD_RULE, sb->ruleset_fd, RULE_PATH, &rule, 0);
    int error = errno;
    (void)close(fd);
    errno = error;
    return rc == -1 && error == ENOMEM ? -1 : 0; /* others: a kind of file without rights */
}

static int allow_all(const struct ssp__sandbox *sb, const char *const *path, size_t n,
                     uint64_t rights)
{
    for (size_t i = 0; i < n; i++) {
        if (allow(sb, path[i], rights) == -1)
            return -1;
    }
    return 0;
}

static size_t length(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

/* PREFIX/bin/plugin may need PREFIX/lib/libssplugin.so.1: what is installed together runs together.
 */
static int allow_libraries(const struct ssp__sandbox *sb, const char *directory)
{
    static const char *const beside[] = {"../lib", "../lib64"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char path[PATH_MAX], real[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", directory, beside[i]);
        if (n < 0 || (size_t)n >= sizeof path || realpath(path, real) == NULL ||
            ssp__sandbox_paths_shared(real))
            continue;
        if (allow(sb, real, RUN) == -1)
            return -1;
    }
    return 0;
}

static int allow_plugin(const struct ssp__sandbox *sb, const char *plugin)
{
    char real[PATH_MAX];
    if (plugin == NULL || realpath(plugin, real) == NULL)
        return 0;
    if (allow(sb, real, RUN) == -1)
        return -1;
    char *slash = strrchr(real, '/');
    slash[slash == real] = '\0';
    if (allow_libraries(sb, real) == -1)
        return -1;
    return ssp__sandbox_paths_shared(real) ? 0 : allow(sb, real, RUN);
}

static int allow_files(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    if (allow_all(sb, programs, sizeof programs / sizeof *programs, RUN) == -1 ||
        allow_all(sb, facts, sizeof facts / sizeof *facts, READ) == -1 ||
        allow_all(sb, devices, sizeof devices / sizeof *devices, DEVICE) == -1)
        return -1;
    if (allow_plugin(sb, rules->plugin) == -1 ||
        allow_all(sb, rules->readable, length(rules->readable), READ) == -1)
        return -1;
    return allow_all(sb, rules->writable, length(rules->writable), CHANGE);
}

static int allow_ports(const struct ssp__sandbox *sb, const uint16_t *port, uint64_t right)
{
    for (; sb->abi >= ABI_PORTS && port != NULL && *port != 0; port++) {
        struct port_attr rule = {.allowed = right, .port = *port};
        if (syscall(ADD_RULE, sb->ruleset_fd, RULE_PORT, &rule, 0) == -1)
            return -1;
    }
    return 0;
}

static int landlock_abi(int limit)
{
    long abi = limit < 0 ? 0 : syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (abi < ABI_FILES)
        return 0; /* not compiled in, switched off, or hidden by a container */
    int newest = limit > 0 ? limit : ABI_KNOWN;
    return abi < newest ? (int)abi : newest;
}

/* The child's dup2 must not overwrite the ruleset. */
static int above_stdio(int fd)
{
    if (fd == -1 || fd > STDERR_FILENO)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    (void)close(fd);
    errno = error;
    return high;
}

static int open_ruleset(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    struct ruleset_attr attr = {.files = rights_on_files(sb->abi)};
    if (sb->abi >= ABI_PORTS)
        attr.ports =
            (rules->bind_ports != NULL ? BIND : 0) | (rules->connect_ports != NULL ? CONNECT : 0);
    if (sb->abi >= ABI_SCOPE)
        attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    /* Kernels accept fields that they do not know as long as these are zero. */
    sb->ruleset_fd = above_stdio((int)syscall(CREATE_RULESET, &attr, sizeof attr, 0));
    if (sb->ruleset_fd == -1)
        return -1;
    if (allow_files(sb, rules) == -1 || allow_ports(sb, rules->bind_ports, BIND) == -1)
        return -1;
    return allow_ports(sb, rules->connect_ports, CONNECT);
}

/* ---- system calls ---- */

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

static void build_filter(struct ssp__sandbox *sb)
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

/* ---- the two halves ---- */

/* One line about what this kernel cannot restrict; empty when it can do all that is asked. */
static void say_what_lacks(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                           char *note, size_t cap)
{
    bool ports = rules->bind_ports != NULL || rules->connect_ports != NULL;
    const struct lack {
        bool lacks;
        const char *what;
    } lack[] = {
        {sb->abi < ABI_FILES, "files"},
        {sb->abi >= ABI_FILES && sb->abi < ABI_TRUNCATE, "truncation of files"},
        {ports && sb->abi < ABI_PORTS, "TCP ports"},
        {sb->abi < ABI_SCOPE, "signals and abstract sockets"},
        {sb->filter_len == 0, "system calls"},
    };
    size_t len = 0;
    note[0] = '\0';
    for (size_t i = 0; i < sizeof lack / sizeof *lack && len < cap; i++) {
        if (lack[i].lacks)
            len += (size_t)snprintf(note + len, cap - len, "%s%s",
                                    len == 0 ? "plugin sandbox: the kernel cannot restrict " : ", ",
                                    lack[i].what);
    }
}

int ssp__sandbox_prepare(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                         char *note, size_t cap)
{
    *sb = (struct ssp__sandbox){.ruleset_fd = -1};
    sb->abi = landlock_abi(rules->abi_limit);
    if (sb->abi > 0 && open_ruleset(sb, rules) == -1) {
        int error = errno;
        (void)snprintf(note, cap, "plugin sandbox: %s", strerror(error));
        ssp__sandbox_release(sb);
        errno = error;
        return -1;
    }
    build_filter(sb);
    say_what_lacks(sb, rules, note, cap);
    return 0;
}

int ssp__sandbox_enter(const struct ssp__sandbox *sb)
{
    /* The kernel does not write to the filter; its interface only lacks the const. */
    struct sock_fprog program = {.len = sb->filter_len,
                                 .filter = (struct sock_filter *)(uintptr_t)sb->filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return -1;
    if (sb->ruleset_fd != -1 && syscall(RESTRICT_SELF, sb->ruleset_fd, 0) == -1)
        return -1;
    if (sb->filter_len == 0)
        return 0;
    /* Without the flag, kernels before 5.16 slow the plugin down by speculation barriers. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) ==
        0)
        return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == -1 ? -1 : 0;
}

void ssp__sandbox_release(struct ssp__sandbox *sb)
{
    if (sb->ruleset_fd != -1)
        (void)close(sb->ruleset_fd);
    sb->ruleset_fd = -1;
}
