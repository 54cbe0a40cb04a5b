/* SPDX-License-Identifier: Apache-2.0 */
/* front_split.h - the property that the fuzz targets of all fronts check. */
#ifndef SS_TESTS_FRONT_SPLIT_H
#define SS_TESTS_FRONT_SPLIT_H

#include "base/front.h"

/*
 * Any bytes of a client, cut anywhere: the cut changes neither the verdict nor the target, the
 * replies or what is left; a front that waits, waits for more than there is.
 *
 * The first byte of data (size >= 1) says where the cut is, the others are what the client says.
 * on_target sees each target that comes out; it may be NULL.
 */
void front_split_changes_nothing(const struct ssp__front *front, const void *conf,
                                 const uint8_t *data, size_t size,
                                 void (*on_target)(const struct ssp__target *target));

#endif
