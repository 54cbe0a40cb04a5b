/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - the plugin that hosts are checked with.
 *
 * It is this program under another name: "ss-probe-client" or "ss-probe-server", with "-KIND" when
 * it does something wrong.  It carries bytes as they are and reports nothing, since a host may
 * confine it: what it was given is read in /proc, and what it has seen is its name there,
 * "ss-probe 3/2" after three connections that came and two that it has dialed, "ss-probe TERM" once
 * it was asked to end, which it does on SIGUSR1, or a second later.
 */
#ifndef SSP_CHECK_PROBE_H
#define SSP_CHECK_PROBE_H

#include <ssplugin/env.h>

#include <stdbool.h>
#include <stddef.h>

#define PROBE_NAME "ss-probe"

enum probe_kind {
    PROBE_SOUND,
    PROBE_LATE,     /* listens on SIGUSR1 */
    PROBE_MUTE,     /* never listens, and opens no descriptor */
    PROBE_DIES,     /* ends with 1 on SIGUSR1 */
    PROBE_REFUSES,  /* ends with SSP_EXIT_CONFIG on SIGUSR1, and never listens */
    PROBE_STUBBORN, /* takes no SIGTERM */
    PROBE_FAMILY,   /* starts a program that stays behind */
    PROBE_LOUD,     /* prints PROBE_LOUD_BYTES before it listens */
    PROBE_KINDS
};

enum { PROBE_LOUD_BYTES = 1 << 20 };

struct probe_name {
    ssp_role role;
    enum probe_kind kind;
};

/* The name of its file.  Returns text. */
const char *probe_file(struct probe_name name, char *text, size_t cap);

/* Whether this process was started by such a name. */
bool probe_called(struct probe_name *name);

/* Does not come back. */
_Noreturn void probe_run(struct probe_name name);

#endif
