/* SPDX-License-Identifier: Apache-2.0 */
/**
 * host.h - the life of one SIP003 plugin, seen from outside.
 *
 *   STARTING  the process runs; it has to listen within ready_ms
 *   READY     it listens, and nobody else does on that port
 *   WAITING   it has died; it is started again after a while (only with restart)
 *   DEAD      it will not be started again
 *
 * Nothing in here knows Shadowsocks: any proxy can host plugins with it.  The host never blocks the
 * loop but in ssp_host_start(), for the exec, and in ssp_host_stop(), for the grace time.  Whatever
 * kills the host, no descendant of the plugin survives it: a guardian process stands between the
 * two.
 *
 * Thread: all calls, and all callbacks, belong to the thread that runs the loop.
 */
#ifndef SSPLUGIN_HOST_H
#define SSPLUGIN_HOST_H

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An event loop. */
struct ssp_loop;
struct ssp_loop *ssp_loop_new(void);       /**< NULL when the system refuses */
int ssp_loop_run(struct ssp_loop *loop);   /**< until ssp_loop_stop(); 0, or -1 when it failed */
void ssp_loop_stop(struct ssp_loop *loop); /**< from a callback */
void ssp_loop_free(struct ssp_loop *loop); /**< all hosts must be stopped; accepts NULL */

/** One plugin and its guardian. */
struct ssp_host;

/** What is to be run.  Strings are borrowed for the call of ssp_host_start() only. */
struct ssp_host_conf {
    const char *plugin;    /**< name or path */
    const char *directory; /**< where names are looked up first; NULL: only $PATH */
    const char *options;   /**< SS_PLUGIN_OPTIONS, verbatim; NULL: none */
    ssp_role role;
    const char *remote_host; /**< SS_REMOTE_HOST: without brackets, several joined by '|' */
    const char *local_host;  /**< SS_LOCAL_HOST: numeric and on loopback for a client */
    uint16_t remote_port;    /**< SS_REMOTE_PORT */
    uint16_t local_port;     /**< SS_LOCAL_PORT of a server; a client's is chosen at each start */
    unsigned ready_ms;       /**< the plugin must listen within this time */
    unsigned grace_ms;       /**< between SIGTERM and SIGKILL */
    bool restart;            /**< after a death that is no configuration error */
    bool sandbox;            /**< Landlock and seccomp, where the kernel has them */
    const char *user;        /**< whom the plugin runs as; NULL: as the host */

    /** The plugin listens where it should; comes again after each restart. */
    void (*on_ready)(void *arg);
    /** It has died and will be started again.  why is one line, borrowed for the call. */
    void (*on_down)(void *arg, const char *why);
    /** It has died for good, or was not ready in time; the same why.  Nothing follows. */
    void (*on_death)(void *arg, const char *why);
    void *arg;
};

/** Starts the plugin, while the privileges to do so are still there.  NULL with a sentence in why;
 *  nothing is left running then. */
struct ssp_host *ssp_host_start(struct ssp_loop *loop, const struct ssp_host_conf *conf, char *why,
                                size_t why_cap);

/** Where the plugin of a client listens now, on conf.local_host. */
uint16_t ssp_host_port(const struct ssp_host *host);

/** Begins to stop it, without waiting: of several, each then has the same grace time.  Callbacks do
 *  not come any more. */
void ssp_host_begin_stop(struct ssp_host *host);

/** Stops it and waits: end of its input, SIGTERM to the group, grace, SIGKILL to all it left.
 *  Accepts NULL. */
void ssp_host_stop(struct ssp_host *host);

#ifdef __cplusplus
}
#endif

#endif
