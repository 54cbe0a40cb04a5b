/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSP_TOOL_SIGNAL_NAME_H
#define SSP_TOOL_SIGNAL_NAME_H

/* The name of a signal, as "SIGTERM"; "a signal" for those without a name.  Not every libc has
 * sigabbrev_np(). */
const char *signal_name(int number);

#endif
