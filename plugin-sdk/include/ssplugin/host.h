/* SPDX-License-Identifier: Apache-2.0 */
/**
 * host.h - the life of one SIP003 plugin, as its host sees it.
 *
 *   STARTING  the process runs; it has to listen within ready_ms
 *   READY     it listens, and nobody else does on that port
 *   WAITING   it has died; it is started again after a while (only with restart)
 *   DEAD      it will not be started again
 *
 * Nothing in here knows Shadowsocks: any proxy can host plugins with it.  The host never blocks the
 * loop but for the exec, in ssp_host_start() and when a plugin is started again, and in
 * ssp_host_stop(), for the grace time.
 *
 * No descendant of the plugin survives the host, even if SIGKILL ends the host: a guardian process
 * stands between the two.  Should that be killed, the program inherits what is left of the plugin
 * (it becomes a subreaper, see prctl(2)) and kills it.  Its other children are left alone as long
 * as they stay in its session; waitpid(-1) of its own would take what belongs to the host.
 *
 * The log gets the output of the plugin and its starts and deaths: see ssplugin/log.h.
 *
 * No callback may call ssp_host_stop(), for any host; ssp_host_begin_stop() and ssp_loop_stop() are
 * fine.
 *
 * Thread: all calls, and all callbacks, belong to the thread that runs the loop, but for
 * ssp_loop_stop() and ssp_loop_wake().  A program with a loop of its own waits for ssp_loop_fd(),
 * or runs this loop in a thread.
 */
#ifndef SSPLUGIN_HOST_H
#define SSPLUGIN_HOST_H

#include <ssplugin/env.h>
#include <ssplugin/log.h>
#include <ssplugin/version.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An event loop.  A child that was forked shares it with its parent: it executes another program,
 * or leaves loop and hosts alone, since it would free what the parent waits for. */
typedef struct ssp_loop ssp_loop;
SSP_API ssp_loop *ssp_loop_new(void); /**< NULL when the system refuses */

/** Runs until ssp_loop_stop(), also one that came before.  Returns 0, or -1 when the loop failed.
 */
SSP_API int ssp_loop_run(ssp_loop *loop);

/** Handles what has happened, waiting at most wait_ms (0: not at all) for something to.
 *  Returns 0, or -1 when the loop failed, and when it turns already and a callback asks. */
SSP_API int ssp_loop_turn(ssp_loop *loop, unsigned wait_ms);

/**
 * A descriptor that is readable when the loop has work, deadlines included: for programs with a
 * loop of their own, which wait for it and then call ssp_loop_turn(loop, 0).  It stays readable
 * while something is left to do.
 *
 * It belongs to the loop: poll it, and neither read nor close it.  -1 with errno when the system
 * refuses a descriptor: call ssp_loop_turn() now and then instead.
 */
SSP_API int ssp_loop_fd(ssp_loop *loop);

/** Ends ssp_loop_run().  Any thread may call it, and so may a signal handler. */
SSP_API void ssp_loop_stop(ssp_loop *loop);

/** Ends the waiting of ssp_loop_turn(), the present one or else the next.  Any thread may call it,
 *  and so may a signal handler. */
SSP_API void ssp_loop_wake(ssp_loop *loop);

SSP_API void ssp_loop_free(ssp_loop *loop); /**< all hosts must be stopped; accepts NULL */

/** One plugin and its guardian. */
typedef struct ssp_host ssp_host;

/** The condition that makes a plugin ready. */
typedef enum ssp_ready {
    SSP_READY_LISTENS = 0, /**< it listens at its address, and no other process does */
    SSP_READY_SAID = 1,    /**< ssp_host_declare_ready(): for programs that listen elsewhere */
    SSP_READY_STARTED = 2  /**< it runs; nothing else can be checked */
} ssp_ready;

/** The program to run and its addresses.  Strings, and arrays of them, are borrowed for the call of
 * ssp_host_start() only. */
typedef struct ssp_host_conf {
    uint32_t size; /**< sizeof(ssp_host_conf); fields beyond a smaller size count as zero */

    /* The program. */
    const char *plugin;    /**< name or path */
    const char *directory; /**< absolute, where names are looked up first; NULL: only $PATH */
    const char *options;   /**< SS_PLUGIN_OPTIONS, verbatim; NULL: none */
    /** Arguments behind the program's name, ended by NULL; NULL: none, as SIP003 has it. */
    const char *const *argv;
    /** "NAME=value" is added to the plugin's environment, or replaces the variable; "NAME" is
     * removed from it.  Ended by NULL; NULL: none. */
    const char *const *variables;

    /* Its place between client and server. */
    ssp_role role;
    ssp_mode mode; /**< SS_PLUGIN_MODE; the plugin is ready when it listens for all of it */
    const char *remote_host; /**< SS_REMOTE_HOST: without brackets, several joined by '|' */
    const char *local_host;  /**< SS_LOCAL_HOST */
    uint16_t remote_port;    /**< SS_REMOTE_PORT */
    uint16_t local_port;     /**< SS_LOCAL_PORT.  The port where the plugin is to listen, which is
                                  this one for a client and the remote one for a server, may be 0:
                                  then one is chosen at each start, and its host must be numeric
                                  and on loopback */

    /* Its rights. */
    /** The user that it runs as.  NULL: as the host, but in the sandbox of a host that is root as a
     * user of its own. */
    const char *user;
    bool sandbox; /**< Landlock and seccomp, where the kernel has them, and a TMPDIR of its own */

    /* Its life. */
    ssp_ready ready;
    unsigned ready_ms; /**< the plugin must be ready within this time */
    unsigned grace_ms; /**< between SIGTERM and SIGKILL */
    bool restart;      /**< after a death that is no configuration error */

    /* Callbacks. */
    void *arg; /**< the first argument of all callbacks */
    /** The plugin listens at its address; comes again after each restart. */
    void (*on_ready)(void *arg);
    /** It has died and will be started again.  why is one line, borrowed for the call. */
    void (*on_down)(void *arg, const char *why);
    /** It has died for good, or was not ready in time; the same why.  Nothing follows. */
    void (*on_death)(void *arg, const char *why);
    /** A line of the plugin on SS_PLUGIN_NOTIFY_FD, key=value, cleaned of control characters and
     *  borrowed for the call: READY, STATUS, STATS, CLIENT-OPTIONS, ...  May be NULL.
     *  CLIENT-OPTIONS may hold a secret: show them to the user, do not log them. */
    void (*on_notify)(void *arg, const char *key, const char *value);
    /** A line that the plugin prints, cleaned of control characters, without its end and borrowed
     *  for the call; it goes to the log too.  One of more than 1024 bytes comes in pieces.  May be
     *  NULL. */
    void (*on_line)(void *arg, const char *line);
    /** Files and directories that a plugin in the sandbox may change: absolute paths, joined by
     *  ':'.  Each must exist.  NULL: only its own TMPDIR. */
    const char *writable;
    /** Files that a plugin in the sandbox never reads, even if its options name them or a directory
     * above: those with the secrets of the host.  Ended by NULL; NULL: none. */
    const char *const *hidden;
    /** TCP ports that a plugin in the sandbox uses besides those of its addresses and options:
     *  numbers joined by ','; "any": all.  NULL: none. */
    const char *ports;
    /** A client's plugin may listen on more than the loopback address that it is told, where
     * everybody can use it; else that is its death. */
    bool exposed;
    /** Sockets that listen at the addresses of a server's plugin, for TCP, if its file says that it
     *  takes them (SSP_PLUGIN_SHARES); another process can then have the same.  They stay the
     *  caller's, and open until ssp_host_stop().  At most 16; NULL: the plugin opens its own. */
    const int *sockets;
    unsigned n_sockets;
} ssp_host_conf;

/** The file that ssp_host_start() would run for conf.plugin and conf.directory, for programs that
 * check it before.  Returns 0 with an absolute path.  Otherwise -1 with errno, and path is that of
 * a program in the same places whose name is nearly the same, or empty. */
SSP_API int ssp_host_find(const char *plugin, const char *directory, char *path, size_t path_cap);

/** Starts the plugin, while the privileges to do so are still there.  NULL with a sentence in why;
 *  nothing is left running then. */
SSP_API ssp_host *ssp_host_start(ssp_loop *loop, const ssp_host_conf *conf, char *why,
                                 size_t why_cap);

/** Where the plugin listens now: on conf.local_host for a client, else on conf.remote_host. */
SSP_API uint16_t ssp_host_port(const ssp_host *host);

/** With SSP_READY_SAID: the plugin of this start is ready.  on_ready comes before this returns, if
 *  the plugin was starting; else nothing happens.  Not from within on_death or on_down. */
SSP_API void ssp_host_declare_ready(ssp_host *host);

/** Asks the plugin to read its files again, by SIGHUP to its own process; one that is starting gets
 *  it once it is ready.  SIP003 plugins should survive it, but a program that knows nothing of the
 *  signal is ended by it. */
SSP_API void ssp_host_reload(ssp_host *host);

/** Asks a plugin that got ssp_host_conf::sockets to leave them to another process: by SIGWINCH to
 *  its own process.  It ends with its last connection, which on_death tells, and is not started
 *  again. */
SSP_API void ssp_host_retire(ssp_host *host);

/** The status that the plugin exited with when it last did; 128 + N when signal N ended it; -1 when
 *  it has not exited, or could not be started. */
SSP_API int ssp_host_exit_status(const ssp_host *host);

/** Begins to stop it, without waiting: of several, each then has the same grace time.  Callbacks do
 *  not come any more. */
SSP_API void ssp_host_begin_stop(ssp_host *host);

/** Stops it and waits: end of its input, SIGTERM to the group, grace, SIGKILL to every process that
 * is left.  Accepts NULL. */
SSP_API void ssp_host_stop(ssp_host *host);

#ifdef __cplusplus
}
#endif

#endif
