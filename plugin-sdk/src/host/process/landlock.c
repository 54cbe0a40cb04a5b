/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/landlock.h"

#include "host/sandbox_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the kernel's ABI, since headers lag behind kernels ---- */

enum {
    CREATE_RULESET = 444,
    ADD_RULE = 445,
    RESTRICT_SELF = 446, /* the same numbers on every architecture */
    ASK_VERSION = 1,
    RULE_PATH = 1,
    RULE_PORT = 2
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
    return FIRST_RIGHTS | (abi >= SSP_LANDLOCK_REFER ? REFER : 0) |
           (abi >= SSP_LANDLOCK_TRUNCATE ? TRUNCATE : 0) | (abi >= SSP_LANDLOCK_IOCTL ? IOCTL : 0);
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
    for (; sb->abi >= SSP_LANDLOCK_PORTS && port != NULL && *port != 0; port++) {
        struct port_attr rule = {.allowed = right, .port = *port};
        if (syscall(ADD_RULE, sb->ruleset_fd, RULE_PORT, &rule, 0) == -1)
            return -1;
    }
    return 0;
}

static int usable_abi(int limit)
{
    long abi = limit < 0 ? 0 : syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (abi < SSP_LANDLOCK_FILES)
        return 0; /* not compiled in, switched off, or hidden by a container */
    int newest = limit > 0 ? limit : SSP_LANDLOCK_KNOWN;
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
    if (sb->abi >= SSP_LANDLOCK_PORTS)
        attr.ports =
            (rules->bind_ports != NULL ? BIND : 0) | (rules->connect_ports != NULL ? CONNECT : 0);
    if (sb->abi >= SSP_LANDLOCK_SCOPE)
        attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    /* Kernels accept fields that they do not know as long as these are zero. */
    sb->ruleset_fd = above_stdio((int)syscall(CREATE_RULESET, &attr, sizeof attr, 0));
    if (sb->ruleset_fd == -1)
        return -1;
    if (allow_files(sb, rules) == -1 || allow_ports(sb, rules->bind_ports, BIND) == -1)
        return -1;
    return allow_ports(sb, rules->connect_ports, CONNECT);
}

int ssp__landlock_prepare(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    sb->abi = usable_abi(rules->abi_limit);
    return sb->abi > 0 ? open_ruleset(sb, rules) : 0;
}

int ssp__landlock_enter(const struct ssp__sandbox *sb)
{
    if (sb->ruleset_fd == -1)
        return 0;
    return syscall(RESTRICT_SELF, sb->ruleset_fd, 0) == -1 ? -1 : 0;
}
