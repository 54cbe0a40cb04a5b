/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn.h - how the subjects behave when all is well; asked before the checks.
 */
#ifndef SSP_TOOL_LEARN_H
#define SSP_TOOL_LEARN_H

#include "check/check.h"

/* Fills fixture->baseline.  PASS when every subject that was given listens; the evidence describes
 * each of them. */
check_fn learn;

/* The same for a host. */
check_fn learn_host;

/* Completes the subjects with options whose meaning is known: obfs, obfs-host, host, path, mode. */
void learn_options(struct fixture *fixture);

#endif
