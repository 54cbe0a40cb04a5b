/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - the program toy-stack: two codecs that work as one. */
#include "plugins/toy.h"

SSP_PLUGIN_NOTE

int main(int argc, char **argv)
{
    static const ssp_codec *const layers[] = {&toy, &coat};
    return ssp_mainv(argc, argv, layers, 2);
}
