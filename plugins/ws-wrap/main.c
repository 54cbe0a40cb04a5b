/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/ws_wrap.h"

#include <ssplugin/ssplugin.h>

SSP_PLUGIN_MAIN(ws_wrap)
