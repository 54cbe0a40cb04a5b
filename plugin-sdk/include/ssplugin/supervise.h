/* SPDX-License-Identifier: Apache-2.0 */
/**
 * supervise.h - a plugin that runs other programs: it and its programs start and end as one unit.
 *
 * The main() of such a plugin calls ssp_lifecycle_begin() and ssp_env_read(), reads its options,
 * then makes a unit, adds its members and runs it.  The unit starts the members one after another,
 * each when the one before is ready, and says READY=1 to the host after the last.  It ends all of
 * them when one dies, when SIGTERM or SIGINT comes, and when the host ends or asks it to stop.
 *
 * No member survives the plugin, even if SIGKILL ends the plugin: see ssplugin/host.h.
 *
 * Thread: all calls belong to the main thread.
 */
#ifndef SSPLUGIN_SUPERVISE_H
#define SSPLUGIN_SUPERVISE_H

#include <ssplugin/env.h>
#include <ssplugin/host.h>
#include <ssplugin/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How long members may take to end: a host expects a plugin to end within a second. */
#define SSP_UNIT_GRACE_MS 700u

typedef struct ssp_unit ssp_unit;

/** From now on SIGTERM and SIGINT wait for ssp_unit_run(); SIGHUP, SIGUSR1 and SIGUSR2 only call
 * the functions set below.  env is borrowed until ssp_unit_free(); NULL: there is no host.  Returns
 * NULL when the system refuses. */
SSP_API ssp_unit *ssp_unit_new(const ssp_env *env);

/** For listeners and timers of the program's own; ends with the unit. */
SSP_API ssp_loop *ssp_unit_loop(const ssp_unit *unit);

/**
 * Adds a member, to be started after those before it.  The targets of pointers in conf are borrowed
 * until ssp_unit_run() returns, conf itself for this call.
 *
 * Its on_ready, on_down and on_death may be NULL, and are called all the same; restart must be
 * false.  Returns the number of the member, counted from 0, or -1 when memory is out or
 * conf.size is not set.
 */
SSP_API int ssp_unit_add(ssp_unit *unit, const ssp_host_conf *conf);

/** Its host; NULL before its start. */
SSP_API ssp_host *ssp_unit_host(const ssp_unit *unit, unsigned member);

/** Called once, when all members are ready, before the host gets READY. */
SSP_API void ssp_unit_on_ready(ssp_unit *unit, void (*fn)(void *arg), void *arg);

/** Called when SIGUSR1 comes: for counters. */
SSP_API void ssp_unit_on_ask(ssp_unit *unit, void (*fn)(void *arg), void *arg);

/** Called when SIGHUP comes, which does nothing by itself: for ssp_host_reload() of the members
 * that know the signal. */
SSP_API void ssp_unit_on_reload(ssp_unit *unit, void (*fn)(void *arg), void *arg);

/**
 * Runs all members until the end.  status is a line for people, for the log and the host once all
 * are ready; NULL: none.
 *
 * Returns the exit status for the process: SSP_EXIT_OK when it was asked to stop; of the member
 * that died first its own status, or SSP_EXIT_BUG for status 0 and signals; SSP_EXIT_OS for one
 * that could not be started or was not ready in time.  The log has the reason.  Nothing runs any
 * more then.
 */
SSP_API int ssp_unit_run(ssp_unit *unit, const char *status);

/** From a callback: ends everything; ssp_unit_run() returns status.  The first status counts. */
SSP_API void ssp_unit_stop(ssp_unit *unit, int status);

SSP_API void ssp_unit_free(ssp_unit *unit); /**< accepts NULL */

#ifdef __cplusplus
}
#endif

#endif
