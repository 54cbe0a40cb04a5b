/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - processes as /proc has them: which there are, and who belongs to whom.
 */
#ifndef SSP_PROCFS_PROC_H
#define SSP_PROCFS_PROC_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

struct ssp__proc {
    pid_t pid, parent, group, session;
    char state; /* as ps shows it: 'Z' has ended, but its parent has not looked yet */
};

/* False when /proc is not there, or is that of another PID namespace: its numbers then name other
 * processes. */
bool ssp__proc_usable(void);

/* Opens /proc; NULL when it is not usable. */
DIR *ssp__proc_open(void);

/* False when the process is gone. */
bool ssp__proc_read(struct ssp__proc *kin, pid_t pid);

/*
 * The processes below root, which is none of them; those beyond max are left out.  A process
 * belongs to root as its descendant or as a member of its group.
 */
unsigned ssp__proc_tree(pid_t root, pid_t *list, unsigned max);
bool ssp__proc_descends(pid_t pid, pid_t root);

/*
 * Opens a descriptor to ask of a process whether it has begun to exit; -1 when that cannot be
 * asked.  The kernel releases its memory, then closes what it had open; waitid() tells after.
 */
int ssp__proc_open_exit(pid_t pid);

/* 1: it has, or is gone; 0: it has not; -1: unknown. */
int ssp__proc_exiting(int exit_fd);

/* The next process of an open /proc; 0 at the end. */
pid_t ssp__proc_next(DIR *proc);

/* The next child of this process, also one that has ended.  False at the end. */
bool ssp__proc_next_child(DIR *proc, struct ssp__proc *child);

#endif
