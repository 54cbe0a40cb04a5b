/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ssplugin.h - the one include of a plugin: a codec becomes a SIP003 program.
 */
#ifndef SSPLUGIN_SSPLUGIN_H
#define SSPLUGIN_SSPLUGIN_H

#include <ssplugin/codec.h>
#include <ssplugin/env.h>
#include <ssplugin/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Runs codec as a program until it is told to stop.
 *
 * Under a SIP003 host the addresses and options come from the environment; otherwise from the
 * command line (see --help).  Command-line options override the environment's.
 *
 * Returns the exit status, one of SSP_EXIT_*; 0 after SIGTERM or SIGINT.
 */
int ssp_main(int argc, char **argv, const ssp_codec *codec);

#ifdef __cplusplus
}
#endif

#endif
