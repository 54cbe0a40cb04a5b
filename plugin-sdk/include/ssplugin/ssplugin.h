/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ssplugin.h - the one include of a plugin: a codec becomes a SIP003 program.
 */
#ifndef SSPLUGIN_SSPLUGIN_H
#define SSPLUGIN_SSPLUGIN_H

#include <ssplugin/codec.h>
#include <ssplugin/env.h>
#include <ssplugin/lifecycle.h>
#include <ssplugin/log.h>
#include <ssplugin/options.h>
#include <ssplugin/version.h>

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
SSP_API int ssp_main(int argc, char **argv, const ssp_codec *codec);

/**
 * The same for n codecs that work as one: codec[0] is nearest to the plain side, the last one to
 * the wire.  The program has the name and version of codec[0].
 *
 * An option goes to the first codec whose table knows it; "NAME.option" to the codec of that name.
 */
SSP_API int ssp_mainv(int argc, char **argv, const ssp_codec *const *codec, size_t n);

/**
 * Defines main() for one codec, and marks the program as one that takes its listening sockets from
 * a host that hands it some.  Stands at file scope, without a semicolon.
 *
 * A program with a main() of its own has SSP_PLUGIN_NOTE and SSP_PLUGIN_SHARES at file scope
 * instead.
 */
#define SSP_PLUGIN_MAIN(codec_)                                                                    \
    SSP_PLUGIN_NOTE                                                                                \
    SSP_PLUGIN_SHARES                                                                              \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return ssp_main(argc, argv, &(codec_));                                                    \
    }

#ifdef __cplusplus
}
#endif

#endif
