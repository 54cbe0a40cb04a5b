/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - the program obfs-local. */
#include "obfs/obfs.h"

#include <ssplugin/ssplugin.h>

int main(int argc, char **argv)
{
    return ssp_main(argc, argv, &obfs_local);
}
