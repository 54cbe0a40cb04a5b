/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h - the waits for other processes, each of which ends at a time that the caller sets.
 *
 * A process may be stopped, hang in the kernel or fork for ever.  These are all waits of the host
 * side outside of its loop and of the guardian's:
 *
 *   where                    for                               until
 *   ssp_host_start()         the outcome of the first exec     1 s; the loop takes it later
 *   ssp_host_stop()          the exit of the plugin            grace + 1 s after the stop began
 *   ssp__guardian_release()  the exit of the guardian          grace + 1.5 s, then SIGKILL
 *                            the same, and of what it leaves   grace + 1.8 s, then a log line
 *   a dead guardian          what it leaves                    0.3 s, then a log line
 *   the guardian's fork      the exec, an order, or the end    30 s, then SIGKILL and
 *                            of its host                       ETIMEDOUT; a busy machine
 *                                                              takes some of it
 *   the guardian's burial    the exit of all that it killed    1 s; the rest is reaped as it exits
 *   control socket           room for a message                none: it is dropped
 *   log, notices             room for a line                   none: it is dropped and counted
 *   sock_diag                the answer of the kernel          1 s
 *
 * The host sends a restart to its guardian and goes on: STARTED comes as a report.
 */
#ifndef SSP_HOST_PROCESS_WAIT_H
#define SSP_HOST_PROCESS_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t ssp__wait_now_ms(void);

/* Milliseconds from now, for poll(); 0 once the time is over. */
int ssp__wait_left(uint64_t until_ms);

/* Waits for the exit of a child and reaps it.  Returns false when it still runs; until_ms 0 does
 * not wait. */
bool ssp__wait_exit(pid_t pid, uint64_t until_ms);

#endif
