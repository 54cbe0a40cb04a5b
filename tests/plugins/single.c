/* SPDX-License-Identifier: Apache-2.0 */
/* single.c - the program toy-plugin: one codec. */
#include "plugins/toy.h"

SSP_PLUGIN_MAIN(toy)
