/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/landlock.h"

#include "host/sandbox_paths.h"

#include <dirent.h>
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

static const char *const programs[] = {"/usr",   "/bin",    "/sbin", "/lib", "/lib32",
                                       "/lib64", "/libx32", "/opt",  "/nix", "/gnu"};

/* Settings of the C library, of TLS libraries and of interpreters; no keys. */
static const char *const settings[] = {
    "/etc/resolv.conf",     "/etc/hosts",
    "/etc/host.conf",       "/etc/hostname",
    "/etc/nsswitch.conf",   "/etc/gai.conf",
    "/etc/services",        "/etc/protocols",
    "/etc/networks",        "/etc/passwd",
    "/etc/group",           "/etc/localtime",
    "/etc/timezone",        "/etc/locale.alias",
    "/etc/locale.conf",     "/etc/os-release",
    "/etc/mime.types",      "/etc/ld.so.cache",
    "/etc/ld.so.conf",      "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",   "/etc/perl",
    "/etc/ssl/certs",       "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf", "/etc/ssl/ca-bundle.pem",
    "/etc/ca-certificates", "/etc/crypto-policies",
    "/etc/pki/tls/certs",   "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust",    "/etc/pki/tls/openssl.cnf",
    "/etc/gnutls",          "/etc/static",
    "/etc/alternatives",
};

/* Others in /etc have a version, or a machine, in their names. */
static const char *const versioned[] = {"ld-musl-", "python3", "java"};

/* Run-time facts; in /run, what /etc/resolv.conf may point to. */
static const char *const facts[] = {"/proc",
                                    "/sys/devices/system",
                                    "/sys/kernel/mm",
                                    "/sys/fs/cgroup",
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

static bool is_scarce(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* Grants rights on path and what is below it.  -1 only when we are out of something. */
static int allow_whole(const struct ssp__sandbox *sb, const char *path, uint64_t rights, int flags)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC | flags);
    if (fd == -1)
        return is_scarce(errno) ? -1 : 0;
    struct path_attr rule = {.allowed = rights & rights_on_files(sb->abi), .fd = fd};
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= OF_A_FILE;
    long rc = syscall(ADD_RULE, sb->ruleset_fd, RULE_PATH, &rule, 0);
    int error = errno;
    (void)close(fd);
    errno = error;
    return rc == -1 && error == ENOMEM ? -1 : 0; /* others: a kind of file without rights */
}

/* ---- directories with a hidden file ----
 *
 * Landlock adds rights and takes none away: the entries around the file are allowed one by one. */

static bool is_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);
    while (n > 0 && directory[n - 1] == '/')
        n--;
    return strncmp(path, directory, n) == 0 && path[n] == '/';
}

static bool is_file(const char *path, const char *hidden)
{
    struct stat one, other;
    return stat(path, &one) == 0 && stat(hidden, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

enum hiding { HIDES_NOTHING, HIDES_SOME, HIDES_ALL };

static enum hiding hiding_of(const struct ssp__sandbox_rules *rules, const char *path)
{
    char real[PATH_MAX], file[PATH_MAX];
    for (size_t i = 0; rules->hidden != NULL && rules->hidden[i] != NULL; i++) {
        if (is_file(path, rules->hidden[i]))
            return HIDES_ALL;
        if (realpath(path, real) != NULL && realpath(rules->hidden[i], file) != NULL &&
            is_below(file, real))
            return HIDES_SOME;
    }
    return HIDES_NOTHING;
}

/* Symbolic links are left alone: what they lead to has its own entry, or none. */
static int allow_around(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                        const char *path, uint64_t rights);

static int allow_entries(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                         const char *path, uint64_t rights)
{
    char entry[PATH_MAX];
    int rc = 0;
    DIR *directory = opendir(path);
    if (directory == NULL)
        return is_scarce(errno) ? -1 : 0;
    for (struct dirent *e = readdir(directory); rc == 0 && e != NULL; e = readdir(directory)) {
        int n = snprintf(entry, sizeof entry, "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && n > 0 &&
            (size_t)n < sizeof entry)
            rc = allow_around(sb, rules, entry, rights);
    }
    (void)closedir(directory);
    return rc;
}

static int allow_around(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                        const char *path, uint64_t rights)
{
    struct stat st;
    if (lstat(path, &st) == -1 || S_ISLNK(st.st_mode))
        return 0;
    switch (hiding_of(rules, path)) {
    case HIDES_NOTHING:
        return allow_whole(sb, path, rights, O_NOFOLLOW);
    case HIDES_SOME:
        return allow_whole(sb, path, rights & READ_DIR, O_NOFOLLOW) == -1
                   ? -1
                   : allow_entries(sb, rules, path, rights);
    case HIDES_ALL:
        break;
    }
    return 0;
}

static int allow(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                 const char *path, uint64_t rights)
{
    char real[PATH_MAX];
    if (hiding_of(rules, path) == HIDES_NOTHING)
        return allow_whole(sb, path, rights, 0);
    return realpath(path, real) != NULL ? allow_around(sb, rules, real, rights) : 0;
}

static int allow_all(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                     const char *const *path, size_t n, uint64_t rights)
{
    for (size_t i = 0; i < n; i++) {
        if (allow(sb, rules, path[i], rights) == -1)
            return -1;
    }
    return 0;
}

static bool is_versioned(const char *name)
{
    for (size_t i = 0; i < sizeof versioned / sizeof *versioned; i++) {
        if (strncmp(name, versioned[i], strlen(versioned[i])) == 0)
            return true;
    }
    return false;
}

/* Without glob(), which frees twice in glibc when memory is out. */
static int allow_versioned(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    char path[PATH_MAX];
    DIR *etc = opendir("/etc");
    int rc = etc == NULL && is_scarce(errno) ? -1 : 0;
    for (struct dirent *e; rc == 0 && etc != NULL && (e = readdir(etc)) != NULL;) {
        (void)snprintf(path, sizeof path, "/etc/%s", e->d_name);
        if (is_versioned(e->d_name))
            rc = allow(sb, rules, path, READ);
    }
    if (etc != NULL)
        (void)closedir(etc);
    return rc;
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
static int allow_libraries(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                           const char *directory)
{
    static const char *const beside[] = {"../lib", "../lib64"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char path[PATH_MAX], real[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", directory, beside[i]);
        if (n < 0 || (size_t)n >= sizeof path || realpath(path, real) == NULL ||
            ssp__sandbox_paths_shared(real))
            continue;
        if (allow(sb, rules, real, RUN) == -1)
            return -1;
    }
    return 0;
}

static int allow_plugin(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    char real[PATH_MAX];
    if (rules->plugin == NULL || realpath(rules->plugin, real) == NULL)
        return 0;
    if (allow(sb, rules, real, RUN) == -1)
        return -1;
    char *slash = strrchr(real, '/');
    slash[slash == real] = '\0';
    if (allow_libraries(sb, rules, real) == -1)
        return -1;
    return ssp__sandbox_paths_shared(real) ? 0 : allow(sb, rules, real, RUN);
}

static int allow_files(const struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    if (allow_all(sb, rules, programs, sizeof programs / sizeof *programs, RUN) == -1 ||
        allow_all(sb, rules, settings, sizeof settings / sizeof *settings, READ) == -1 ||
        allow_versioned(sb, rules) == -1 ||
        allow_all(sb, rules, facts, sizeof facts / sizeof *facts, READ) == -1 ||
        allow_all(sb, rules, devices, sizeof devices / sizeof *devices, DEVICE) == -1)
        return -1;
    if (allow_plugin(sb, rules) == -1 ||
        allow_all(sb, rules, rules->readable, length(rules->readable), READ) == -1)
        return -1;
    return allow_all(sb, rules, rules->writable, length(rules->writable), CHANGE);
}

/* A socket that listens without bind() has such a port anyway, and a bind() to a source address
 * asks for one. */
static int allow_any_free_port(const struct ssp__sandbox *sb)
{
    struct port_attr rule = {.allowed = BIND, .port = 0};
    return sb->ports && syscall(ADD_RULE, sb->ruleset_fd, RULE_PORT, &rule, 0) == -1 ? -1 : 0;
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
    if (allow_files(sb, rules) == -1 || allow_any_free_port(sb) == -1 ||
        allow_ports(sb, rules->bind_ports, BIND) == -1)
        return -1;
    return allow_ports(sb, rules->connect_ports, CONNECT);
}

int ssp__landlock_prepare(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules)
{
    sb->abi = usable_abi(rules->abi_limit);
    sb->ports = sb->abi >= SSP_LANDLOCK_PORTS && rules->bind_ports != NULL;
    sb->mptcp = rules->mptcp;
    return sb->abi > 0 ? open_ruleset(sb, rules) : 0;
}

int ssp__landlock_open_port(const struct ssp__sandbox *sb, uint16_t port)
{
    struct port_attr rule = {.allowed = BIND, .port = port};
    return syscall(ADD_RULE, sb->ruleset_fd, RULE_PORT, &rule, 0) == -1 ? -1 : 0;
}

int ssp__landlock_enter(const struct ssp__sandbox *sb)
{
    if (sb->ruleset_fd == -1)
        return 0;
    return syscall(RESTRICT_SELF, sb->ruleset_fd, 0) == -1 ? -1 : 0;
}
