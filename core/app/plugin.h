/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h - the plugins of an instance: their addresses, and the effect of their starts and
 * deaths.
 */
#ifndef SS_APP_PLUGIN_H
#define SS_APP_PLUGIN_H

#include "app/instance.h"

/* Whether TCP and UDP, if relayed at all, go through a plugin; else they bypass it. */
bool ss_plugin_has_tcp(const struct ss_conf *conf);
bool ss_plugin_has_udp(const struct ss_conf *conf);

/* The loopback address for the hop to a plugin; its port is 0. */
void ss_plugin_choose_hop(const struct ss_conf *conf, struct ssp__endpoint *hop);

/* Starts the plugins of the configuration, if any.  The plugin of a server forwards what comes in
 * on conf.server to hop[0].  A client has a plugin for each server, and its clients wait in the
 * backlog until one is ready.  Returns 0, or -1 after a log line. */
int ss_plugin_start_server(struct ss_instance *instance);
int ss_plugin_start_clients(struct ss_instance *instance);

/* Prints what a plugin would get, one variable a line, on stdout; for servers apart from each
 * other, an empty line is between their plugins.  Returns the exit status. */
int ss_plugin_print_env(enum ss_program program, struct ss_conf *conf);

#endif
