/* SPDX-License-Identifier: Apache-2.0 */
/* codec_fn.h - what every function of a toy codec begins with. */
#ifndef SSP_TESTS_CODEC_FN_H
#define SSP_TESTS_CODEC_FN_H

#include <ssplugin/codec.h>

#define CODEC_FN(name) static ssp_verdict name(ssp_conn *conn, void *state, ssp_io *io)
#define UNUSED ((void)conn, (void)state, (void)io)

#endif
