/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program ws-wrap: a websocket, alone or in TLS. */
#include "ws-wrap/layers.h"
#include "ws-wrap/ws_wrap.h"

#include <ssplugin/ssplugin.h>

#include <stdlib.h>
#include <string.h>

/* A plugin of this folder offers its codec under its own name. */
extern const ssp_codec tls_wrap;

/* The options of TLS come last, behind those that the user gave. */
static int run_in_tls(int argc, char **argv, char *options)
{
    ssp_codec websocket = ws_wrap;
    const ssp_codec *const from_plain_to_wire[] = {&websocket, &tls_wrap};
    static char opts[] = "--opts";
    char **words = calloc((size_t)argc + 3, sizeof *words);
    if (words == NULL)
        return SSP_EXIT_OS;
    websocket.setup = ws_wrap_setup_in_tls;
    memcpy(words, argv, (size_t)argc * sizeof *words);
    words[argc] = opts;
    words[argc + 1] = options;
    int status = ssp_mainv(argc + 2, words, from_plain_to_wire, 2);
    free(words);
    return status;
}

SSP_PLUGIN_NOTE

int main(int argc, char **argv)
{
    struct ws_layers layers;
    int status = SSP_EXIT_OS;
    if (ws_layers_read(&layers, getenv("SS_PLUGIN_OPTIONS"), argv, getenv("HOME")) == 0)
        status =
            layers.tls ? run_in_tls(argc, argv, layers.options) : ssp_main(argc, argv, &ws_wrap);
    ws_layers_release(&layers);
    return status;
}
