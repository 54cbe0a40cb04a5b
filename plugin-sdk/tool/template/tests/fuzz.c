/* SPDX-License-Identifier: Apache-2.0 */
/* Arbitrary bytes at both ends, in both directions; libFuzzer's entry. */
#include <ssplugin/testing.h>

extern const ssp_codec my_plugin_codec;

SSP_FUZZ_TARGET(my_plugin_codec, "my-options")
