/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_rig.h - sessions on real loopback sockets: the engine runs in a thread, the test is
 * client and target.
 *
 * Every function asserts what it needs; none returns an error, and none waits longer than WAIT_MS.
 */
#ifndef SSP_TESTS_SESSION_RIG_H
#define SSP_TESTS_SESSION_RIG_H

#include "relay/instance.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Nothing that is waited for takes WAIT_MS; LONG_MS is a deadline that no test lives to see. */
enum { WAIT_MS = 20000, SHORT_MS = 300, LONG_MS = 60000 };

#define CODEC(name_, wrap_, unwrap_)                                                               \
    {                                                                                              \
        .size = sizeof(ssp_codec), .name = name_, .version = "1", .about = name_, .wrap = wrap_,   \
        .unwrap = unwrap_                                                                          \
    }

ssp_verdict codec_clear(ssp_conn *conn, void *state, ssp_io *io);

extern const ssp_codec clear_codec;
extern const ssp_codec bang_codec;     /* passes all before the first '!', where it fails */
extern const ssp_codec greeting_codec; /* ours begins with "hi", and is answered "ho" at once */
extern const ssp_codec sort_codec;     /* ours begins with '+', '?' is diverted; '>' goes first */

struct rig {
    struct ssp__program program;
    struct ssp__instance relay;
    struct ssp__service service;
    struct ssp__endpoint endpoint, fallback; /* the plan: one, or the other instead */
    bool eager, has_fallback;
    struct ssp__watch *quit;
    pthread_t thread;
    int quit_pipe[2];
    int target_fd; /* listening */
    int port;      /* of the engine */
};

/* Fills the service, whose deadlines are long; the test may change it until the engine listens. */
void rig_open(struct rig *r, const ssp_codec *codec, enum ssp__side coded);

/* Gives the service a fallback.  Returns its listening socket, the caller's. */
int rig_fallback(struct rig *r);

void rig_prepare(struct rig *r); /* listens; nobody is served yet */
void rig_run(struct rig *r);     /* serves, in a thread */
void rig_start(struct rig *r);   /* both */

void rig_stop(struct rig *r);    /* serves nobody any more; sessions that live are still there */
void rig_release(struct rig *r); /* of an engine that has stopped */
void rig_close(struct rig *r);   /* both */

/* A server of this codec reads what a client says, forgets it, and ends at its deadline with a FIN;
 * nobody is dialed. */
void expect_absorbed(const ssp_codec *codec, const char *said);

/* A socket of the loopback, its address in e: one that listens, and one that refuses. */
int listen_loopback(struct ssp__endpoint *e);
int refuse_loopback(struct ssp__endpoint *e);

/* Connects to a listening socket until its queue is full: a dial is then not answered. */
enum { CLOGS = 4 };
void clog_up(const struct ssp__endpoint *e, int clog[CLOGS]);
void unclog(const int clog[CLOGS]);

/* Blocking sockets of the test, the caller's. */
int connect_to(int port);
int accept_from(int listening);
void expect_nobody(int listening); /* has knocked so far */

void send_text(int fd, const char *text);
void expect_text(int fd, const char *text);
void expect_end(int fd);
void expect_reset(int fd);
void reset(int fd); /* closes it so that the peer sees an error */

#endif
