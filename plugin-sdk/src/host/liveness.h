/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSP_HOST_LIVENESS_H
#define SSP_HOST_LIVENESS_H

#include "base/liveness.h"

#include <ssplugin/host.h>

/* Whether the plugin lives at this moment: asked of the kernel, which takes microseconds. */
enum ssp__liveness ssp__host_liveness(ssp_host *host);

#endif
