/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h - descriptors from one process to another, over a UNIX socket (SCM_RIGHTS). */
#ifndef SS_APP_DESCRIPTORS_H
#define SS_APP_DESCRIPTORS_H

#include <stddef.h>

/* Sends n descriptors, which the caller keeps, without waiting.  Returns 0, or -1 with errno. */
int ss_descriptors_send(int to, const int *fd, size_t n);

/* Receives n descriptors, waiting as long as the socket does.  Returns 0, or -1 with errno, and
 * none then. */
int ss_descriptors_receive(int from, int *fd, size_t n);

#endif
