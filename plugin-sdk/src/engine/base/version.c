/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/version.h>

const char *ssp_version(void)
{
    return SSP_VERSION;
}
