/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - the credentials of a plugin: a user and at most two capabilities, without a way to
 * gain more.
 *
 * The parent prepares (names are looked up there), the child enters between fork and exec.  It is
 * permanent: no_new_privs holds for every descendant, so set-user-id programs and file capabilities
 * (setcap) below it have no effect.
 */
#ifndef SSP_HOST_PROCESS_PRIVILEGE_H
#define SSP_HOST_PROCESS_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SSP_PRIVILEGE_GROUPS = 256 };

struct ssp__privilege {
    bool change; /* become uid, gid and group; false: stay who we are */
    bool own;    /* no other program has this uid */
    uid_t uid;
    gid_t gid;
    gid_t group[SSP_PRIVILEGE_GROUPS]; /* supplementary ones, without gid */
    size_t groups;

    /* Keep CAP_NET_BIND_SERVICE, through exec too, if we hold it.  The caller sets it after
     * ssp__privilege_prepare(), for a port below ip_unprivileged_port_start. */
    bool keep_net_bind;

    /* Keep CAP_DAC_READ_SEARCH likewise: read what only root may.  Only for a plugin whose sandbox
     * names the files. */
    bool keep_read;
};

/*
 * Looks up user: the name of an account, or the number of one.  A number without an account gets
 * the group of the same number and no others.  NULL or "": no change.
 *
 * Returns 0, or -1 with a sentence in why: no such user, too many groups, or we are not root and
 * the user is another.
 */
int ssp__privilege_prepare(struct ssp__privilege *p, const char *user, char *why, size_t cap);

/*
 * Enters it; async-signal-safe.  Capabilities are cleared also when the user stays, root included:
 * a root without capabilities still owns root's files, but cannot override permissions of other
 * users.  The bounding set keeps CAP_NET_BIND_SERVICE, or else exec would refuse files that carry
 * it.
 *
 * The kernel forgets PR_SET_PDEATHSIG when credentials change: set it after this call.
 *
 * Returns 0, or -1 with errno; EPERM when root could be regained.  Do not exec then.
 */
int ssp__privilege_enter(const struct ssp__privilege *p);

#endif
