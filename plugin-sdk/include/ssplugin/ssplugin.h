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

/* Such a program takes its listening socket from a host that hands it one, and says so in its file;
 * the functions can be called through pointers and from other languages all the same. */
#define ssp_main(argc_, argv_, codec_) SSP_TAKING_LISTEN_FDS((ssp_main)(argc_, argv_, codec_))
#define ssp_mainv(argc_, argv_, codec_, n_)                                                        \
    SSP_TAKING_LISTEN_FDS((ssp_mainv)(argc_, argv_, codec_, n_))

#ifdef __cplusplus
}
#endif

#endif
