/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine.h - starts a plugin as a host does, and records its first seconds.
 */
#ifndef SSP_TOOL_EXAMINE_H
#define SSP_TOOL_EXAMINE_H

#include "base/address.h"
#include "check/process.h"
#include "host/report/output.h"
#include "place.h"

#include <limits.h>

/* The last step that it reached. */
enum reached {
    REACHED_NOT_FOUND,  /* error: why there is no such program */
    REACHED_DISTRUSTED, /* distrust: root does not run this file */
    REACHED_REFUSED,    /* error: exec's errno */
    REACHED_EXITED,     /* status */
    REACHED_KILLED,     /* status: a signal */
    REACHED_SILENT,     /* it runs, but does not listen where it should */
    REACHED_LISTENS     /* it listens on its port */
};

enum { EXAMINE_TEXT = 512, EXAMINE_SOCKETS = 16 };

/* Do not copy: lines point into it. */
struct examination {
    const struct place *place; /* where it is to run; borrowed */
    const char *plugin;        /* name or path; borrowed */
    const char *directory;     /* where a name is looked up before $PATH; NULL: nowhere; borrowed */
    const char *user;          /* NULL: as we are; borrowed */
    const char *ports;         /* likewise */
    const char *writable;      /* as ssp_host_conf has it; NULL: none; borrowed */
    bool sandbox;
    unsigned wait_ms; /* it must listen within this time */

    enum reached reached;
    int error, status;
    bool was_ready;             /* it had listened before it ended */
    bool notified;              /* it sent READY=1 */
    bool log_closed;            /* it has closed its stdout or stderr */
    int64_t ready_us, ended_us; /* since its start; -1: never */
    char path[PATH_MAX];        /* "": not found */
    char meant[PATH_MAX];       /* then a file of nearly the same name; "": none */
    char distrust[EXAMINE_TEXT];
    char taken_by[EXAMINE_TEXT]; /* the process that listens on its port; "": none */
    struct ssp__output output;
    struct socket_seen sockets[EXAMINE_SOCKETS]; /* those that listen, when it was looked at */
    unsigned socket_count;
};

/* Fills the examination, whose fields before reached are set; nothing of the plugin is left
 * running.  Returns 0, or -1 with a sentence in why when it could not be carried out. */
int examine(struct examination *x, char *why, size_t cap);

#endif
