/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h - codecs that were compiled against another version of these headers.
 */
#ifndef SSP_BASE_CODEC_H
#define SSP_BASE_CODEC_H

#include <ssplugin/codec.h>

/*
 * Copies codec as far as its size says; what an older struct does not have is zero.  To be called
 * wherever a codec enters the library, before any other field is read.
 *
 * A codec without a size is taken for one of the first struct, which ends with fallback.
 */
void ssp__codec_adopt(ssp_codec *own, const ssp_codec *codec);

#endif
