/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the program obfs-server. */
#include "obfs/obfs.h"

#include <ssplugin/ssplugin.h>

int main(int argc, char **argv)
{
    return ssp_main(argc, argv, &obfs_server);
}
