/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ACCOUNT_TEXT = 16384,
    CAPABILITIES_MAX = 64,
    CAPABILITY_WORDS = 2,
    CAPABILITIES_OF_WORD = 32
};

/* On 32-bit machines the calls of these names know 16-bit ids only. */
#ifdef SYS_setresuid32
enum { SET_UIDS = SYS_setresuid32, SET_GIDS = SYS_setresgid32, SET_GROUPS = SYS_setgroups32 };
#else
enum { SET_UIDS = SYS_setresuid, SET_GIDS = SYS_setresgid, SET_GROUPS = SYS_setgroups };
#endif

/* ---- in the parent ---- */

/* An id as a decimal number; UINT32_MAX means "unchanged" to the kernel and is not one. */
static bool number(const char *text, uid_t *id)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value >= UINT32_MAX)
        return false;
    *id = (uid_t)value;
    return true;
}

static int add_groups(struct ssp__privilege *p, const char *name)
{
    gid_t all[SSP_PRIVILEGE_GROUPS];
    int n = SSP_PRIVILEGE_GROUPS;
    if (getgrouplist(name, p->gid, all, &n) == -1)
        return -1;
    for (int i = 0; i < n; i++) {
        if (all[i] != p->gid)
            p->group[p->groups++] = all[i];
    }
    return 0;
}

/* The account called user, or else the one of that number.  NULL when there is none. */
static struct passwd *account(const char *user, struct passwd *entry, char *text, size_t cap)
{
    struct passwd *found = NULL;
    uid_t id;
    if (getpwnam_r(user, entry, text, cap, &found) == 0 && found != NULL)
        return found;
    if (number(user, &id) && getpwuid_r(id, entry, text, cap, &found) == 0)
        return found;
    return NULL;
}

int ssp__privilege_prepare(struct ssp__privilege *p, const char *user, char *why, size_t cap)
{
    struct passwd entry;
    char text[ACCOUNT_TEXT];
    *p = (struct ssp__privilege){.change = false};
    if (user == NULL || *user == '\0')
        return 0;

    const struct passwd *found = account(user, &entry, text, sizeof text);
    if (found != NULL) {
        p->uid = found->pw_uid;
        p->gid = found->pw_gid;
    } else if (number(user, &p->uid)) {
        p->gid = p->uid;
    } else {
        (void)snprintf(why, cap, "run the plugin as %s: no such user", user);
        return -1;
    }
    if (geteuid() != 0 && p->uid == geteuid())
        return 0; /* we are that user already, and could not change groups */
    if (geteuid() != 0) {
        (void)snprintf(why, cap, "run the plugin as %s: only root can, and this is uid %u", user,
                       (unsigned)geteuid());
        return -1;
    }
    if (found != NULL && add_groups(p, found->pw_name) == -1) {
        (void)snprintf(why, cap, "run the plugin as %s: is in more than %d groups", user,
                       (int)SSP_PRIVILEGE_GROUPS);
        return -1;
    }
    p->change = true;
    return 0;
}

/* ---- in the child: async-signal-safe calls only ----
 *
 * System calls are raw: the wrappers of the C library for ids signal every thread that they believe
 * the process has, and take locks that fork may have left taken. */

/* The capabilities to keep, as far as we hold them: those of the first word. */
static uint32_t kept_capabilities(const struct ssp__privilege *p)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[CAPABILITY_WORDS] = {{0}};
    uint32_t wanted = (p->keep_net_bind ? CAP_TO_MASK(CAP_NET_BIND_SERVICE) : 0) |
                      (p->keep_read ? CAP_TO_MASK(CAP_DAC_READ_SEARCH) : 0);
    return syscall(SYS_capget, &head, set) == 0 ? set[0].permitted & wanted : 0;
}

/* This needs CAP_SETPCAP; without it no_new_privs makes the bounding set meaningless.
 * CAP_NET_BIND_SERVICE stays: without it the kernel refuses to exec a file that carries it, as
 * Debian's obfs-server does.  no_new_privs keeps the plugin from gaining the capability of such a
 * file. */
static void bound(uint32_t kept)
{
    kept |= CAP_TO_MASK(CAP_NET_BIND_SERVICE);
    for (int c = 0; c < CAPABILITIES_MAX; c++) {
        if (c >= CAPABILITIES_OF_WORD || (kept & CAP_TO_MASK(c)) == 0)
            (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    }
}

static int change_user(const struct ssp__privilege *p)
{
    if (!p->change)
        return 0;
    if (syscall(SET_GROUPS, p->groups, p->group) == -1 ||
        syscall(SET_GIDS, p->gid, p->gid, p->gid) == -1)
        return -1;
    return syscall(SET_UIDS, p->uid, p->uid, p->uid) == -1 ? -1 : 0;
}

static int set_capabilities(uint32_t kept)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[CAPABILITY_WORDS] = {{0}};
    set[0] =
        (struct __user_cap_data_struct){.effective = kept, .permitted = kept, .inheritable = kept};
    /* The filter of a service may refuse the call: unless it is root's, a program has after exec
     * what is ambient here, and nothing else. */
    if (syscall(SYS_capset, &head, set) == -1 && (errno != EPERM || geteuid() == 0))
        return -1;
    /* A kernel without ambient capabilities (before 4.3) has none to clear and none to raise: the
     * plugin then has less than it could, which is no reason not to start it. */
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int c = 0; c < CAPABILITIES_OF_WORD; c++) {
        if ((kept & CAP_TO_MASK(c)) != 0)
            (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
    }
    return 0;
}

/* True when nothing of root is left: neither an id nor a way to take one. */
static bool final(const struct ssp__privilege *p)
{
    const uid_t same = (uid_t)-1;
    uid_t real, effective, saved;
    if (!p->change || p->uid == 0)
        return true;
    if (getresuid(&real, &effective, &saved) == -1 || real != p->uid || effective != p->uid ||
        saved != p->uid)
        return false;
    if (p->gid != 0 && syscall(SET_GIDS, same, 0, same) != -1)
        return false;
    return syscall(SET_UIDS, same, 0, same) == -1;
}

int ssp__privilege_enter(const struct ssp__privilege *p)
{
    uint32_t kept = kept_capabilities(p);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return -1;
    bound(kept);
    if (kept != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
        return -1;
    if (change_user(p) == -1 || set_capabilities(kept) == -1 ||
        prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1)
        return -1;
    if (final(p))
        return 0;
    errno = EPERM;
    return -1;
}
