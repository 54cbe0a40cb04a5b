/* SPDX-License-Identifier: Apache-2.0 */
#include "host/own_user.h"

#include "base/hash.h"
#include "procfs/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RANGE = SSP_OWN_UID_LAST - SSP_OWN_UID_FIRST + 1,
    ACCOUNT_TEXT = 16384,
    PATH_CAP = 64,
    SEED_WORDS = 64
};

static bool may_change_users(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[2] = {{0}};
    const uint32_t needed =
        CAP_TO_MASK(CAP_SETUID) | CAP_TO_MASK(CAP_SETGID) | CAP_TO_MASK(CAP_CHOWN);
    return geteuid() == 0 && syscall(SYS_capget, &head, set) == 0 &&
           (set[0].effective & needed) == needed;
}

/* True when the user namespace has the id: a line of the map is its first one, the outer one, and
 * how many follow. */
static bool is_mapped(const char *map, unsigned id)
{
    unsigned first, outer, n;
    bool mapped = false;
    FILE *file = fopen(map, "re");
    if (file == NULL)
        return true; /* no /proc: then it is the kernel that refuses */
    while (!mapped && fscanf(file, "%u %u %u", &first, &outer, &n) == 3)
        mapped = id >= first && id - first < n;
    (void)fclose(file);
    return mapped;
}

static bool is_account(uid_t uid)
{
    struct passwd user, *found_user = NULL;
    struct group group, *found_group = NULL;
    char text[ACCOUNT_TEXT];
    (void)getpwuid_r(uid, &user, text, sizeof text, &found_user);
    (void)getgrgid_r((gid_t)uid, &group, text, sizeof text, &found_group);
    return found_user != NULL || found_group != NULL;
}

static bool is_of_systemd(uid_t uid)
{
    char path[PATH_CAP];
    (void)snprintf(path, sizeof path, "/run/systemd/dynamic-uid/%u", (unsigned)uid);
    return access(path, F_OK) == 0;
}

static bool is_running(uid_t uid)
{
    char path[PATH_CAP];
    struct stat st;
    bool hit = false;
    DIR *proc = ssp__proc_open();
    if (proc == NULL)
        return false;
    for (pid_t pid; !hit && (pid = ssp__proc_next(proc)) != 0;) {
        (void)snprintf(path, sizeof path, "/proc/%d", (int)pid);
        hit = stat(path, &st) == 0 && st.st_uid == uid;
    }
    (void)closedir(proc);
    return hit;
}

static bool has_account(struct ssp__privilege *p)
{
    char why[128];
    return ssp__privilege_prepare(p, SSP_OWN_ACCOUNT, why, sizeof why) == 0 && p->uid != 0;
}

static unsigned preferred(const char *seed)
{
    static const uint64_t any_key[2] = {0};
    uint64_t word[SEED_WORDS] = {0};
    size_t len = strnlen(seed, sizeof word);
    memcpy(word, seed, len);
    return (unsigned)(ssp__hash(any_key, word, SEED_WORDS) % RANGE);
}

/* The plugin of a host that has just chosen is no process yet.  False: another one has it. */
static bool set_lock(int fd, uid_t uid, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)uid, .l_len = 1};
    return fd == -1 || fcntl(fd, F_OFD_SETLK, &lock) == 0 ||
           errno == EINVAL; /* before Linux 3.15 */
}

static bool take(int fd, uid_t uid)
{
    if (is_account(uid) || is_of_systemd(uid) || !set_lock(fd, uid, F_WRLCK))
        return false;
    if (!is_running(uid))
        return true;
    (void)set_lock(fd, uid, F_UNLCK);
    return false;
}

static int open_locks(void)
{
    return open(SSP_OWN_UID_LOCKS, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

static bool search(struct ssp__privilege *p, unsigned begin, int lock_fd)
{
    for (unsigned i = 0; i < RANGE; i++) {
        uid_t uid = SSP_OWN_UID_FIRST + (uid_t)((begin + i) % RANGE);
        if (!is_mapped("/proc/self/uid_map", uid) || !is_mapped("/proc/self/gid_map", uid))
            return false;
        if (!take(lock_fd, uid))
            continue;
        *p = (struct ssp__privilege){.change = true, .own = true, .uid = uid, .gid = (gid_t)uid};
        return true;
    }
    return false;
}

bool ssp__own_user(struct ssp__privilege *p, const char *seed, int *lock_fd)
{
    *lock_fd = -1;
    if (!may_change_users())
        return false;
    if (has_account(p))
        return true;
    *p = (struct ssp__privilege){.change = false};
    *lock_fd = open_locks();
    if (search(p, preferred(seed), *lock_fd))
        return true;
    if (*lock_fd != -1)
        (void)close(*lock_fd);
    *lock_fd = -1;
    return false;
}
