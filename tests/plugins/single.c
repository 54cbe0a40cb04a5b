/* SPDX-License-Identifier: Apache-2.0 */
/* single.c - the program toy-plugin: one codec. */
#include "plugins/toy.h"

int main(int argc, char **argv)
{
    return ssp_main(argc, argv, &toy);
}
