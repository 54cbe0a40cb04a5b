/* SPDX-License-Identifier: Apache-2.0 */
/* The laws, for both modes: ws_wrap_laws OPTIONS, of both ends. */
#include "ws-wrap/ws_wrap.h"

#include <ssplugin/testing.h>

int main(int argc, char **argv)
{
    const char *options = argc > 1 ? argv[1] : NULL;
    return ssp_laws_main(&ws_wrap, options, options);
}
