/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_impl.h - the state of a host, for its own sources only.
 */
#ifndef SSP_HOST_HOST_IMPL_H
#define SSP_HOST_HOST_IMPL_H

#include "host/process/guardian.h"
#include "host/process/temporary.h"
#include "host/report/foreign.h"
#include "host/report/notices.h"
#include "host/report/output.h"
#include "host/report/tap.h"

#include <ssplugin/host.h>

#include <limits.h>
#include <netinet/in.h>

/* LAUNCHING: its start has been asked for.  STARTING: it runs, and does not serve yet. */
enum ssp__host_state { LAUNCHING, STARTING, READY, RETRYING, WAITING, DEAD };

struct ssp_host {
    ssp_loop *loop;
    struct ssp__guardian guardian;
    struct ssp__watch *control;
    struct ssp__tap output, heard;
    struct ssp__deadline due; /* the state is over */
    struct ssp__output lines;
    struct ssp__notices notices;
    struct ssp__foreign foreigners;
    enum ssp__host_state state;
    int exit_status; /* as ssp_host_exit_status() says it */
    pid_t pid;       /* of the plugin; 0: none runs */
    struct ssp__members members;
    uint64_t stopping_ms;  /* when the stop began; 0: it has not */
    bool awaited;          /* then a plugin ran, or was being started; its end is not known yet */
    uint64_t since_ms;     /* start of the plugin, or of the wait */
    unsigned backoff_ms;   /* the next wait */
    unsigned port_tries;   /* starts that lost their port, in a row */
    uint16_t port;         /* the port on which the plugin must listen */
    bool foreign;          /* another process listens there */
    bool said_ready;       /* it claims to listen */
    bool seen_listening;   /* the guardian has confirmed it */
    bool lost_port;        /* at the last look, when a process of it exited */
    uint64_t port_ms;      /* of that look */
    bool handed;           /* at this start it was handed its listening sockets */
    bool takes_listen_fds; /* its file says so */
    struct ssp__handed sockets; /* of a server's plugin that shares its port; the program's */
    bool said_unverified;       /* the lack of /proc has been logged */
    bool reload;                /* asked for before it was ready */
    bool retired;               /* it leaves its sockets to another process */
    char path[PATH_MAX];
    char listen_host[INET6_ADDRSTRLEN];  /* where a chosen port is */
    char name[64];                       /* last part of the path */
    char status[SSP_OUTPUT_LINE];        /* the last one it gave, cut */
    char client_options[SSP_NOTICE_MAX]; /* the last ones it gave; secret */
    char temporary[SSP_TEMPORARY_PATH];  /* of the plugin; "": none */
    int user_lock;                       /* of the plugin's own user, or -1 */
    char *options;                       /* for hints; owned, may be NULL */
    ssp_host_conf conf;                  /* its strings are no longer valid, see above */
};

static inline uint64_t ssp__host_elapsed_ms(const ssp_host *h)
{
    return ssp__loop_now_ms(h->loop) - h->since_ms;
}

/* The state is over ms after its begin. */
static inline void ssp__host_limit(ssp_host *h, unsigned ms)
{
    ssp__deadline_set(h->loop, &h->due, h->since_ms + ms);
}

/* In stop.c, of each report that the loop takes: after an end nothing is left to wait for. */
void ssp__host_note_end(ssp_host *h, const struct ssp__guardian_report *report);

/* In stop.c: logs what the plugin has left to say; ends the processes that a dead guardian leaves;
 * closes what the loop watches. */
void ssp__host_drain(ssp_host *h);
void ssp__host_bury(const ssp_host *h);
void ssp__host_stop_watching(ssp_host *h);

#endif
