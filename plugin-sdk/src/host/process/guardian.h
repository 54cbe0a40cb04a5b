/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guardian.h - the process between a host and its plugin, so that no plugin outlives its host.
 *
 * The guardian is forked, not executed.  It starts the plugin on request, is the subreaper of
 * everything the plugin forks, and ends all of it when the plugin exits, when the host asks, or
 * when the host is gone, whatever killed it.  It reads nothing from the network, and keeps the
 * privileges the host had at the fork: the host may drop its own and still have a plugin started
 * again.
 */
#ifndef SSP_HOST_PROCESS_GUARDIAN_H
#define SSP_HOST_PROCESS_GUARDIAN_H

#include "host/process/members.h"
#include "host/process/privilege.h"
#include "host/process/sandbox.h"

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The program to run.  Everything is borrowed until ssp__guardian_start() returns. */
struct ssp__guardian_plan {
    const char *path, *name;   /* the file, and argv[0] */
    const char *const *argv;   /* behind argv[0]; NULL: none */
    char **env;                /* complete but for the port that may change */
    const char *port_variable; /* "SS_LOCAL_PORT=": the entry a start rewrites; or NULL */
    bool shares_port;          /* a foreign listener beside the plugin's is no obstacle */
    bool any_wire;             /* instead of TCP alone it may receive UDP there, as QUIC does */
    bool loopback;             /* it has to listen on loopback only */
    bool unwatched;            /* it is not checked whether it listens */
    unsigned grace_ms;         /* between SIGTERM and SIGKILL */
    ssp_mode mode;             /* where it has to listen: TCP, UDP or both */
    const char *directory;     /* where the plugin works; NULL: where the host does */
    const char *temporary;     /* removed in the end; NULL or "": none */
    const struct ssp__privilege *privilege; /* NULL: as the host */
    const struct ssp__sandbox *sandbox;     /* NULL: none */
};

/* Listening sockets for a plugin. */
enum { SSP_HANDED_MAX = 16 };

struct ssp__handed {
    unsigned n;
    int fd[SSP_HANDED_MAX];
};

struct ssp__guardian {
    pid_t pid;
    int control_fd; /* messages; readable when one waits or the guardian is gone */
    int output_fd;  /* read end of every plugin's stdout and stderr, non-blocking */
    int notify_fd;  /* read end of every plugin's SS_PLUGIN_NOTIFY_FD, non-blocking */
};

#define SSP_NO_GUARDIAN                                                                            \
    (struct ssp__guardian)                                                                         \
    {                                                                                              \
        .pid = -1, .control_fd = -1, .output_fd = -1, .notify_fd = -1                              \
    }

/* Events that a guardian reports. */
enum ssp__guardian_event {
    SSP_GUARDIAN_STARTED,   /* pid */
    SSP_GUARDIAN_REFUSED,   /* error: the errno of the step that failed, exec at the latest */
    SSP_GUARDIAN_LISTENING, /* the plugin listens on its port, and nobody else does */
    SSP_GUARDIAN_FOREIGN,   /* somebody else listens on its port; once, LISTENING may still follow
                               when it is the plugin that shares a port it was told to take */
    SSP_GUARDIAN_STOPPED,   /* a signal has stopped pid, a process of the plugin; once */
    SSP_GUARDIAN_STALLED,   /* it is still stopped at the next look */
    SSP_GUARDIAN_CONTINUED, /* none is any more */
    SSP_GUARDIAN_BUSY,      /* the plugin leaves `waiting` connections unaccepted; once, until it
                               accepts them */
    SSP_GUARDIAN_EXPOSED,   /* it listens on more than loopback; once, before LISTENING */
    SSP_GUARDIAN_DEAF,      /* the plugin runs, but its port is closed */
    SSP_GUARDIAN_EXITED,    /* code and status as in siginfo_t; nothing of the plugin is left */
    SSP_GUARDIAN_GONE       /* the guardian itself has died */
};

struct ssp__guardian_report {
    enum ssp__guardian_event event;
    pid_t pid;
    int error;
    int code, status;
    unsigned waiting;
    bool unverified;  /* LISTENING: it could not be told whose the socket is */
    unsigned members; /* LISTENING: what the plugin consists of then */
    pid_t member[SSP_MEMBERS_MAX];
};

/* Forks the guardian.  Returns 0, or -1 with errno. */
int ssp__guardian_start(struct ssp__guardian *g, const struct ssp__guardian_plan *plan);

/* Asks for the plugin, which has to listen on this port, handing it these sockets as its
 * descriptors from 3 on.  The outcome is a report: STARTED, REFUSED or GONE. */
void ssp__guardian_spawn(struct ssp__guardian *g, uint16_t port, const struct ssp__handed *listen);

/* Waits for that outcome.  Returns false when it has not come in time, or before a signal that the
 * loop has to serve: it still may. */
bool ssp__guardian_await_spawn(struct ssp__guardian *g, unsigned limit_ms,
                               struct ssp__guardian_report *report);

/* Asks to check now whether the plugin listens, which says so itself. */
void ssp__guardian_look(struct ssp__guardian *g);

/* Asks for SIGHUP to the plugin, but not to the processes that it has started. */
void ssp__guardian_reload(struct ssp__guardian *g);

/* Asks for SIGWINCH to the plugin, which listens no more, and ends with its last connection: nobody
 * looks at its port from now on. */
void ssp__guardian_retire(struct ssp__guardian *g);

/* Asks for the end of the plugin: gracefully, or at once.  The report EXITED follows, or REFUSED
 * where it was being started. */
void ssp__guardian_end(struct ssp__guardian *g, bool gracefully);

/* The next report, without waiting; false when none waits. */
bool ssp__guardian_report(struct ssp__guardian *g, struct ssp__guardian_report *report);

/* Ends the plugin and the guardian, and reaps it.  Returns false when it had to be killed at
 * kill_ms, so that processes of the plugin may be left; one that we may not kill is waited for no
 * longer than until_ms.  Both are times of ssp__wait_now_ms(). */
bool ssp__guardian_release(struct ssp__guardian *g, uint64_t kill_ms, uint64_t until_ms);

#endif
