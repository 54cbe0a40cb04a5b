/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-wrap/self_signed.h"
#include "tls-wrap/tls_wrap.h"

#include <ssplugin/ssplugin.h>

#include <stdio.h>
#include <string.h>

SSP_PLUGIN_NOTE
SSP_PLUGIN_SHARES

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--self-signed") != 0)
        return ssp_main(argc, argv, &tls_wrap);
    if (argc == 3 || argc == 4)
        return tls_self_signed(argv[2], argc == 4 ? argv[3] : ".");
    (void)fputs("usage: tls-wrap --self-signed NAME [DIRECTORY]\n", stderr);
    return SSP_EXIT_USAGE;
}
