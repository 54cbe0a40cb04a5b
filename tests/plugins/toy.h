/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toy.h - codecs for tests of ssp_main(), made from public headers only.  They protect nothing.
 */
#ifndef TESTS_PLUGINS_TOY_H
#define TESTS_PLUGINS_TOY_H

#include <ssplugin/ssplugin.h>

/* "TOY1" once from the client, then every byte XOR a mask; datagrams likewise, behind a tag. */
extern const ssp_codec toy;

/* Every byte upside down; datagrams likewise, with one byte in front. */
extern const ssp_codec coat;

#endif
