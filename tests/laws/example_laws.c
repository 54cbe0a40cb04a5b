/* SPDX-License-Identifier: Apache-2.0 */
/* The laws, for the codec of an example: its file without its main(). */
#include <ssplugin/testing.h>

#define main example_main
#include EXAMPLE
#undef main

int main(void)
{
    return ssp_laws_main(&CODEC, OPTIONS, OPTIONS);
}
