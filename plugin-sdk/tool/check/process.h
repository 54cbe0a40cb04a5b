/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - a plugin started with SIP003's variables only, and observed from outside.
 *
 * It gets its own process group, default signal dispositions, no descriptor but 0-2, the caller's
 * environment without SS_* and TOR_PT_*, and the variables of the launch; no extensions of ours. It
 * is never probed: /proc says whether it listens.
 */
#ifndef SSP_TOOL_PROCESS_H
#define SSP_TOOL_PROCESS_H

#include "base/address.h"
#include "check/check.h"

#include <pthread.h>
#include <sys/types.h>

/* Where stdout and stderr of the plugin lead. */
enum output {
    OUTPUT_DRAINED = 0,   /* a pipe that is read all the time; see process_output() */
    OUTPUT_NULL,          /* /dev/null */
    OUTPUT_READER_CLOSED, /* a pipe whose reader is gone already */
    OUTPUT_UNREAD,        /* a small pipe that is never read */
    OUTPUT_CLOSED         /* descriptors 0-2 are closed */
};

/* How to start it.  A NULL variable is not set.  Strings are borrowed until process_start(). */
struct launch {
    const char *path;
    const char *local_host, *local_port, *remote_host, *remote_port, *options;
    const char *const *arguments;   /* behind argv[0], NULL-terminated; may be NULL */
    const char *const *environment; /* more NAME=value, NULL-terminated; may be NULL */
    enum output output;
    ssp_role role;
    bool says_role; /* SS_PLUGIN_ROLE is set */
    char front_text[8], back_text[8];
};

/*
 * The usual launch of a subject on 127.0.0.1: it accepts on front and dials back (for a client
 * LOCAL and REMOTE, for a server the other way round).  The variables may then be changed.
 */
void launch_init(struct launch *l, const struct fixture *fixture, ssp_role role, uint16_t front,
                 uint16_t back);

/* The variables of the side it accepts on, and of the side it dials. */
const char **launch_front_host(struct launch *l);
const char **launch_front_port(struct launch *l);
const char **launch_back_host(struct launch *l);
const char **launch_back_port(struct launch *l);

/* A running plugin, or one that has ended.  Do not copy. */
struct process {
    pid_t pid;
    ssp_role role;
    int pidfd;
    int output_fd, stop_fd; /* reading end of its output; what ends the reader */
    bool reading;           /* the thread that drains is running */
    pthread_t reader;
    pthread_mutex_t lock; /* of captured */
    char *captured;       /* what it printed, the first CAPTURE_MAX bytes */
    size_t captured_len, captured_total;
    int64_t started_us; /* clock_us() at the start */
    bool ended;         /* reaped: status and ended_us are valid */
    int status;         /* as from waitpid() */
    int64_t ended_us;
};

enum { CAPTURE_MAX = 1 << 20, SOCKETS_MAX = 128 };

/* Microseconds of the monotonic clock. */
int64_t clock_us(void);

/* Returns 0, or -1 with errno (exec included).  From the main thread only. */
int process_start(struct process *p, const struct launch *l);

/* Watches a process that this one has not started.  Returns 0, or -1 with errno. */
int process_adopt(struct process *p, pid_t pid, ssp_role role);

enum listening { LISTENS, EXITED, SILENT };

/* Waits until its tree listens on the port, of any address: a TCP socket, or a UDP socket when it
 * is a server.  EXITED: it has ended instead; SILENT: neither within the time. */
enum listening process_await_listening(struct process *p, uint16_t port, unsigned ms);

/* Waits for its end.  True when it has come within the time. */
bool process_await_exit(struct process *p, unsigned ms);

/* Not ended; looks once. */
bool process_alive(struct process *p);

/* It has ended by a signal: it crashed, unless that was what we sent. */
bool process_crashed(struct process *p);

/* "exit 0 after 12 ms", "killed by SIGSEGV after 3 ms", "alive after 3000 ms". */
const char *process_fate(struct process *p, char *text, size_t cap);

/* Kills the rest of its group and its descendants, reaps them, and frees.  May be called twice, and
 * for a zeroed struct. */
void process_end(struct process *p);

void process_signal(struct process *p, int signal); /* to it alone */

/* Copies the output so far, owned by the caller; NULL when memory is out.  total may be NULL: all
 * bytes it has printed, of which a part may not be kept. */
char *process_output(struct process *p, size_t *len, size_t *total);

void process_close_reader(struct process *p); /* its output has no reader from now on */

/* ---- what the kernel knows of its tree ---- */

/* A TCP socket that listens, or a UDP socket that is bound. */
struct socket_seen {
    bool udp;
    bool connected; /* UDP only: it has a peer */
    bool by_child;  /* a program that the plugin has started has it open */
    struct ssp__address address;
    unsigned long inode;
};

/* Fills seen; returns their number, at most cap. */
unsigned process_sockets(const struct process *p, struct socket_seen *seen, unsigned cap);

enum { TREE_MAX = 256 };

/* It, the members of its group and session, and all descendants; those that have ended but were not
 * reaped do not count.  Returns their number. */
unsigned process_tree(const struct process *p, pid_t *pids, unsigned cap);

int64_t process_rss(const struct process *p);     /* bytes, of it alone; -1: gone */
int process_descriptors(const struct process *p); /* open ones, of it alone; -1: gone */

/* ---- ports ---- */

/* A port of no other check, outside the range of ephemeral ports, without a TCP or UDP socket on
 * any address.  It stays reserved against other checks as long as this process lives. 0: there is
 * none. */
uint16_t port_reserve(void);

#endif
