/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - our own process: descriptors 0 to 2, background, pid file, limits, user.
 */
#ifndef SSP_NET_DAEMON_H
#define SSP_NET_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Zero is a process in the foreground. */
struct ssp__daemon {
    const char *pid_file; /* borrowed; NULL: in the foreground */
    int pid_fd;           /* holds the lock of the pid file */
    bool beside;          /* another process has it still: ssp__daemon_succeed() */
    int starter;          /* the process that waits for us is at the other end; -1: none waits */
};

/* Opens those of descriptors 0 to 2 that are closed: a file that a program opens later must not
 * become the one that it prints to. */
void ssp__daemon_open_stdio(void);

/*
 * Goes to the background: the caller continues as a child in a session of its own, in the same
 * directory, which holds pid_file (borrowed) locked with its process id inside (decimal, no
 * newline).
 *
 * The process that started waits until ssp__daemon_ready() and exits with 0 then, or until the
 * child ends and exits with the status of the child.  Until ready, errors that go to syslog go to
 * stderr as well.
 *
 * Returns 0 in the child, or -1 with a sentence in why: the caller is to log it and end.
 */
int ssp__daemon_detach(struct ssp__daemon *d, const char *pid_file, char *why, size_t why_cap);

/* The same for a process that takes the place of another one, which has the pid file and its lock
 * until ssp__daemon_leave(): then the number in it becomes ours by ssp__daemon_succeed(), which
 * returns 0, or -1 with a sentence in why, and needs no rights any more.  Both accept one without a
 * pid file. */
int ssp__daemon_detach_beside(struct ssp__daemon *d, const char *pid_file, char *why,
                              size_t why_cap);
int ssp__daemon_succeed(struct ssp__daemon *d, char *why, size_t why_cap);
void ssp__daemon_leave(struct ssp__daemon *d);

/* The process that has this pid file locked; 0: none. */
pid_t ssp__daemon_running(const char *pid_file);

/* Lets the starter go, and closes stderr.  Returns false when the starter was killed before: then
 * no daemon is expected any more. */
bool ssp__daemon_ready(struct ssp__daemon *d);

/* Removes the pid file, as far as our rights go.  Zero is accepted, a second call too. */
void ssp__daemon_end(struct ssp__daemon *d);

/* Takes the user's gid, groups and uid for ever; user is a name or a number.  With keep_net_admin,
 * CAP_NET_ADMIN is all that is left of root.  Returns 0, or -1 with a sentence in why. */
int ssp__daemon_become(const char *user, bool keep_net_admin, char *why, size_t why_cap);

/* The limit of open files as it is. */
unsigned ssp__daemon_files(void);

/* Raises it to the highest that the system allows. */
void ssp__daemon_raise_files(void);

/* Sets the limit of open files to n.  Returns 0, or -1 with a sentence in why: then the limit is
 * the highest that the system allows. */
int ssp__daemon_limit_files(unsigned n, char *why, size_t why_cap);

#endif
