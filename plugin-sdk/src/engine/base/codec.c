/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"

#include <string.h>

bool ssp__codec_adopt(ssp_codec *own, const ssp_codec *codec)
{
    size_t n = codec->size;
    memset(own, 0, sizeof *own);
    memcpy(own, codec, n < sizeof *own ? n : sizeof *own);
    own->size = sizeof *own;
    return n > 0;
}
