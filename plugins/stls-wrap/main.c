/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/stls_wrap.h"

#include <ssplugin/ssplugin.h>

SSP_PLUGIN_NOTE

int main(int argc, char **argv)
{
    return ssp_main(argc, argv, &stls_wrap);
}
