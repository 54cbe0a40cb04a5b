/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandboxed.h - acting in the sandbox, in a child that is lost afterwards.
 */
#ifndef SANDBOXED_H
#define SANDBOXED_H

#include "host/process/sandbox.h"

#include <stdbool.h>

enum { ABI_FILES = 1, ABI_TRUNCATE = 3, ABI_PORTS = 4, ABI_SCOPE = 6, ABI_NEWEST = 7 };

/* Prepares by rules and acts in a child that has entered.  Returns what act returned, or ENDED_BY
 * plus a signal.  Skips the test where the kernel's Landlock is older than abi (0: any). */
int inside(const struct ssp__sandbox_rules *rules, int abi, int (*act)(const void *arg),
           const void *arg);

bool opens(const char *path, int flags);
bool closed(const char *path, int flags); /* refused with EACCES */

#endif
