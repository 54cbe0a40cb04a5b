/* SPDX-License-Identifier: Apache-2.0 */
/* Every law that a codec has to keep: any split, truncation, small buffers, half-close, ... */
#include <ssplugin/testing.h>

extern const ssp_codec my_plugin_codec;

int main(void)
{
    return ssp_laws_main(&my_plugin_codec, "my-options", "my-options");
}
