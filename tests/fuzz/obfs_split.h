/* SPDX-License-Identifier: Apache-2.0 */
/* obfs_split.h - the property that both fuzz targets of obfs check. */
#ifndef OBFS_SPLIT_H
#define OBFS_SPLIT_H

#include "obfs/obfs.h"

/*
 * Any input, cut anywhere: the codec's unwrap breaks no rule, and the cut changes neither verdict
 * nor output.  The first two bytes of data say where, the others are what the peer sent.
 */
void obfs_split_changes_nothing(const ssp_codec *codec, const struct obfs_conf *conf,
                                const uint8_t *data, size_t size);

#endif
