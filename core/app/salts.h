/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salts.h - the salts and the sessions of the last minute, in a file: a server that starts again,
 * be it after SIGKILL, takes no recording, and refuses no new client.
 *
 * Without the file a time would have to do: all that is older than it is refused.  But a recording
 * of a client whose clock is ahead differs in nothing from a new message, and one time for all
 * would lock out the clients whose clocks are behind.
 *
 * The file has a head and two halves of records, which are written one behind the other.  A half
 * that has lasted a minute is followed by the other one, whose records are older than that.  Hence
 * the file has the size of two minutes, or of twice SS_SALTS_HALF records in a flood, when the time
 * of what is lost becomes the floor.  A record is one write to the cache of the kernel, which a
 * process that is killed leaves whole.  After a crash of the machine records may be missing: a
 * start of the machine makes its own time the floor, too.
 *
 * One process writes.  Another one, which takes its place, reads until that one leaves.
 */
#ifndef SS_APP_SALTS_H
#define SS_APP_SALTS_H

#include "conf/conf.h"
#include "crypto/recent.h"

enum { SS_SALTS_HALF = 1 << 18 };

struct ss_salts;

/* A file of that name, which is made when it is first needed.  NULL when memory is out. */
struct ss_salts *ss_salts_new(const char *directory, const char *name);

/* The one of a server, in the directory of conf or of systemd, named after its first port; *salts
 * is NULL when there is no directory.  Returns 0, or -1 after a log line. */
int ss_salts_open(struct ss_salts **salts, const struct ss_conf *conf);

/* NULL for NULL. */
const struct ss_recent_keeper *ss_salts_keeper(const struct ss_salts *salts);

/* Another process writes from now on; that of this one has no effect. */
void ss_salts_leave(struct ss_salts *salts); /* accepts NULL */

/* Its keeper is not used any more. */
void ss_salts_close(struct ss_salts *salts); /* accepts NULL */

#endif
