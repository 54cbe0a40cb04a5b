/* SPDX-License-Identifier: Apache-2.0 */
/**
 * env.h - the SIP003 environment: the variables that a host sets for a plugin.
 *
 * SIP003 names four variables and an optional fifth.  The additive ones (SS_PLUGIN_ROLE,
 * SS_PLUGIN_MODE, SS_PLUGIN_NOTIFY_FD) are ours; hosts that do not know them do not set them, and
 * plugins that do not know them ignore them.
 */
#ifndef SSPLUGIN_ENV_H
#define SSPLUGIN_ENV_H

#include <ssplugin/version.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { SSP_ROLE_UNKNOWN = 0, SSP_CLIENT = 1, SSP_SERVER = 2 } ssp_role;

/** The traffic that the plugin carries (SS_PLUGIN_MODE); TCP when the host does not set it. */
typedef enum { SSP_TCP_ONLY = 0, SSP_UDP_ONLY = 1, SSP_TCP_AND_UDP = 2 } ssp_mode;

/** Exit statuses for supervisors: values of sysexits.h. */
enum {
    SSP_EXIT_OK = 0,       /**< asked to stop */
    SSP_EXIT_USAGE = 64,   /**< wrong command line */
    SSP_EXIT_NOHOST = 68,  /**< a host name that must resolve does not */
    SSP_EXIT_UNAVAIL = 69, /**< cannot bind or listen */
    SSP_EXIT_BUG = 70,     /**< an invariant of the program broke */
    SSP_EXIT_OS = 71,      /**< the system refused something it should not */
    SSP_EXIT_NOPERM = 77,  /**< no permission */
    SSP_EXIT_CONFIG = 78   /**< wrong option or value; a restart will not help */
};

/**
 * The contract as read.  All strings are borrowed from the process environment or the caller.
 *
 * client: listen on local, dial remote.  server: listen on remote, dial local.
 * Host variables may hold several addresses joined by '|' and IPv6 literals with or without
 * brackets; see ssp_hosts_next().
 */
typedef struct ssp_env {
    ssp_role role;
    const char *local_host, *local_port;
    const char *remote_host, *remote_port;
    const char *options; /**< SS_PLUGIN_OPTIONS, or NULL when unset or empty */
    ssp_mode mode;
    int notify_fd; /**< where ssp_notify() writes, close-on-exec; -1: the host reads no notices */
} ssp_env;

/**
 * Reads SS_* from the environment.  size is sizeof(ssp_env), so that the struct may grow.
 *
 * Returns 1 when all four variables are there, 0 when none is (a command line is expected), and -1
 * with a sentence in why when some are missing, a port is not 1..65535, or SS_PLUGIN_MODE has an
 * unknown value.  An SS_PLUGIN_NOTIFY_FD that cannot be written to is ignored with a log line; a
 * good one becomes close-on-exec and non-blocking.
 */
SSP_API int ssp_env_read(ssp_env *env, size_t size, char *why, size_t why_cap);

/** The role of a program: that of SS_PLUGIN_ROLE, else that of an option (SSP_ROLE_UNKNOWN: none
 * given), else a name that ends in "-server" means a server.  argv0 may be NULL. */
SSP_API ssp_role ssp_env_role(const ssp_env *env, ssp_role option, const char *argv0);

/** Copies the next address of a list joined by '|' into host, without brackets, and moves *cursor
 *  past it.  Returns 1, 0 at the end, -1 when it is empty or does not fit. */
SSP_API int ssp_hosts_next(const char **cursor, char *host, size_t host_cap);

/** Port 1..65535 of a decimal text without sign or space, or -1. */
SSP_API int ssp_port_parse(const char *text);

#ifdef __cplusplus
}
#endif

#endif
