/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"

#include <string.h>

void ssp__codec_adopt(ssp_codec *own, const ssp_codec *codec)
{
    size_t first = offsetof(ssp_codec, reload);
    size_t n = codec->size > first ? codec->size : first;
    memset(own, 0, sizeof *own);
    memcpy(own, codec, n < sizeof *own ? n : sizeof *own);
    own->size = sizeof *own;
}
