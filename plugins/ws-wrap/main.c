/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program ws-wrap: a websocket, alone, multiplexed, in TLS. */
#include "ws-wrap/layers.h"
#include "ws-wrap/mux.h"
#include "ws-wrap/ws_wrap.h"

#include <ssplugin/ssplugin.h>

#include <stdlib.h>
#include <string.h>

/* A plugin of this folder offers its codec under its own name. */
extern const ssp_codec tls_wrap;

/* From the plain side to the wire; the first one names the program. */
static int run_stack(int argc, char **argv, const struct ws_layers *layers)
{
    ssp_codec websocket = ws_wrap;
    const ssp_codec *codec[3];
    size_t n = 0;
    websocket.setup = layers->tls ? ws_wrap_setup_in_layers : ws_wrap_setup_without_tls;
    websocket.name = layers->mux ? "websocket" : ws_wrap.name;
    if (layers->mux)
        codec[n++] = &ws_mux;
    codec[n++] = &websocket;
    if (layers->tls)
        codec[n++] = &tls_wrap;
    return ssp_mainv(argc, argv, codec, n);
}

static int out_of_memory(void)
{
    ssp_log_open(SSP_LOG_PLUGIN, ws_wrap.name, false);
    ssp_error("out of memory");
    return SSP_EXIT_OS;
}

/* The options of TLS come last, behind those that the user gave. */
static int run(int argc, char **argv, const struct ws_layers *layers)
{
    static char opts[] = "--opts";
    char **words = calloc((size_t)argc + 3, sizeof *words);
    if (words == NULL)
        return out_of_memory();
    memcpy(words, argv, (size_t)argc * sizeof *words);
    words[argc] = layers->tls ? opts : NULL;
    words[argc + 1] = layers->options;
    int status = run_stack(layers->tls ? argc + 2 : argc, words, layers);
    free(words);
    return status;
}

SSP_PLUGIN_NOTE
SSP_PLUGIN_SHARES

int main(int argc, char **argv)
{
    struct ws_layers layers;
    int status;
    if (ws_layers_read(&layers, getenv("SS_PLUGIN_OPTIONS"), argv, getenv("HOME")) == -1)
        status = out_of_memory();
    else
        status = run(argc, argv, &layers);
    ws_layers_release(&layers);
    return status;
}
