/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h - codecs that were compiled against another version of these headers.
 */
#ifndef SSP_BASE_CODEC_H
#define SSP_BASE_CODEC_H

#include <ssplugin/codec.h>

#include <stdbool.h>

/*
 * Copies codec up to its size; fields that an older struct lacks are zero.  Call it wherever a
 * codec enters the library, before any other field is read.
 *
 * Returns false, with own empty, for a codec whose size is 0.
 */
bool ssp__codec_adopt(ssp_codec *own, const ssp_codec *codec);

#endif
