/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what this process was given by its parent, as JSON.
 *
 * ids, argv, environment, descriptors with their links, working directory, the kernel's status and
 * limits of it as texts, and what a sandbox says to two attempts (an errno; 0: allowed).
 */
#ifndef FAKEPLUGIN_REPORT_H
#define FAKEPLUGIN_REPORT_H

/* touch: a file to create, or NULL.  Owned by the caller; NULL when memory is out. */
char *report(const char *touch, char *const *argv);

#endif
