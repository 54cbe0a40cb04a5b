/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - restricts a plugin: Landlock for files and ports, seccomp against system calls that
 * no plugin needs.
 *
 * The parent prepares, the child enters between fork and exec.  A kernel that offers less than
 * asked for is no error: the sandbox is then as tight as possible, and one line names the missing
 * restrictions.
 *
 * A plugin in the sandbox can
 *   - read and execute below /usr /bin /sbin /lib* /opt (and /nix /gnu) and its own directory, read
 *     /proc, a part of /sys, and of /etc what libraries need, and use /dev/null and its like.  A
 * directory that is shared ("/", a user's home, world-writable) does not count as the plugin's own:
 * only its file is open;
 *   - read what `readable` names and change what lies below `writable`, but not execute it;
 *   - use TCP ports as `bind_ports` and `connect_ports` say.
 * It cannot see into, signal or trace processes outside, reach abstract unix sockets outside,
 * change mounts, namespaces, modules, keys or clocks, nor use the 32-bit and x32 system calls: a
 * program for another architecture than ours is ended by SIGSYS.  Limits, priorities, processors
 * and memory policies it changes of itself only, by the number 0.  Nor does a plugin built with a
 * leak checker work, which traces.
 *
 * Files are known by what they are, not by name: a file of `readable` that is later replaced by
 * another of its name is closed again.  Name its directory where that happens.
 */
#ifndef SSP_HOST_PROCESS_SANDBOX_H
#define SSP_HOST_PROCESS_SANDBOX_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A leak checker traces its own process, which the sandbox forbids. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { SSP_SANDBOX_POSSIBLE = false };
#else
enum { SSP_SANDBOX_POSSIBLE = true };
#endif

enum { SSP_SANDBOX_FILTER_MAX = 512, SSP_GUARDED_MAX = 4 };

struct ssp__sandbox {
    int ruleset_fd; /* above 2 and close-on-exec; -1: no Landlock */
    int abi;        /* of Landlock; 0: the kernel has none */
    bool ports;     /* TCP ports are restricted */
    bool mptcp;     /* though MPTCP is open, which the kernel does not restrict */
    /* Processes, and groups as negative numbers, that a plugin must not signal. */
    int32_t guarded[SSP_GUARDED_MAX];
    unsigned guarded_len;
    unsigned short filter_len;
    struct sock_filter filter[SSP_SANDBOX_FILTER_MAX];
};

struct ssp__sandbox_rules {
    const char *plugin;          /* absolute path of the program */
    const char *const *readable; /* files and directories, ends with NULL; NULL: none */
    const char *const *writable; /* likewise: the state directory and TMPDIR */

    /* Files that no rule opens, though it names them or a directory above: those of secrets.  A
     * file that is created beside one later is closed, too.  Ends with NULL; NULL: none. */
    const char *const *hidden;

    /* TCP ports, ends with 0; NULL: any.  UDP is not covered by the kernel. */
    const uint16_t *bind_ports;
    const uint16_t *connect_ports; /* remember 53, DNS over TCP */
    bool mptcp; /* leave MPTCP open, though ports are given, which the kernel does not restrict */

    int abi_limit; /* for tests: the newest Landlock ABI to use, -1 for none; 0: what there is */
};

/*
 * Opens paths and builds the filter.  A path that does not exist or cannot be opened is left out.
 *
 * Returns 0 with note empty or, when the kernel lacks something, one line for the log; -1 with
 * errno and why in note, when descriptors or memory are out.
 */
int ssp__sandbox_prepare(struct ssp__sandbox *sb, const struct ssp__sandbox_rules *rules,
                         char *note, size_t cap);

/* This process, and its group, too is out of reach of signals where Landlock cannot scope these: of
 * the guardian, whose number the host does not know when it prepares. */
void ssp__sandbox_guard_self(struct ssp__sandbox *sb);

/* One more port to listen on, from this start on; async-signal-safe.  Returns 0, or -1 with errno.
 */
int ssp__sandbox_open_port(const struct ssp__sandbox *sb, uint16_t port);

/*
 * Enters it, for good; async-signal-safe.  Sets no_new_privs.  Needs ruleset_fd open: before the
 * descriptors are closed, and after ids and limits are set.  Returns 0, or -1 with errno.
 */
int ssp__sandbox_enter(const struct ssp__sandbox *sb);

void ssp__sandbox_release(struct ssp__sandbox *sb); /* in the parent; may be called twice */

#endif
