/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the ports that requests have added, in a file each: they come back after a restart.
 *
 * .shadowsocks_<port>.conf is a configuration file of ss-server, with mode 0600, and is whole at
 * any moment.  A port of the configuration has .shadowsocks_<port>.json, for its process alone.
 */
#ifndef SS_APP_MANAGER_STATE_H
#define SS_APP_MANAGER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens the directory, and makes it if need be.  Returns a descriptor, or -1 with errno. */
int ss_state_open(const char *directory);

/* Returns 0, or -1 with errno. */
int ss_state_save(int directory, uint16_t port, bool configured, const char *settings);
int ss_state_drop(int directory, uint16_t port); /* nothing to do is success */

/* Bytes toward its limits, in .shadowsocks_<port>.used, which leaves with the port. */
int ss_state_save_used(int directory, uint16_t port, const char *text);
void ss_state_drop_used(int directory, uint16_t port);

enum { SS_STATE_NAME_MAX = 32 };
void ss_state_name(char name[SS_STATE_NAME_MAX], uint16_t port, bool configured);

/* Calls found(arg, port, text) for each file, whose text is a secret and borrowed for the call.
 * Files of the user other, such as the one that the process becomes, are left out. */
typedef void ss_state_found_fn(void *arg, uint16_t port, const char *text, size_t len);
void ss_state_load(int directory, uid_t other, ss_state_found_fn *found, void *arg);

/* The same for the bytes, of any user: they are but numbers. */
void ss_state_load_used(int directory, ss_state_found_fn *found, void *arg);

#endif
