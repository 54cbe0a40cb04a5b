/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a transport program: byte 0 is role and proxy, the rest is lines.  No crash; what is
 * accepted can be written in each form, and what our own form says is read back the same. */
#include "must.h"

#include "pt-wrap/bridge.h"
#include "pt-wrap/discreet.h"
#include "pt-wrap/messages.h"

#include <ssplugin/options.h>

#include <stdlib.h>
#include <string.h>

static void read_back(const struct pt_args *args, const char *options)
{
    const char *at = options;
    size_t cap = strlen(options) + 2, n = 0;
    char *room = malloc(cap);
    ssp_item item;
    must(room != NULL);
    must(ssp_options_next(&at, room, cap, &item) == 1 && strcmp(item.value, "obfs4") == 0);
    for (; ssp_options_next(&at, room, cap, &item) == 1; n++)
        must(item.value != NULL && strcmp(args->arg[n].key, item.key) == 0 &&
             strcmp(args->arg[n].value, item.value) == 0);
    must(n == args->n);
    free(room);
}

static void write_all(const struct pt_args *args)
{
    char *text[] = {pt_args_socks(args), pt_args_server(args, "obfs4"),
                    pt_args_client_options(args, "obfs4")};
    must(text[0] != NULL && text[1] != NULL && text[2] != NULL);
    read_back(args, text[2]);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        pt_args_forget(text[i]);
}

static void read_bridge(const char *line)
{
    char why[128];
    struct pt_bridge bridge;
    struct pt_args args = {.n = 0};
    if (pt_bridge_read(&bridge, &args, line, why, sizeof why) == 0)
        must(pt_name_valid(bridge.transport) && bridge.place.port > 0);
    pt_args_release(&args);
}

static void hear(struct pt_messages *messages, const char *line)
{
    char piece[PT_MESSAGES_PIECE + 1], clean[64];
    size_t n;
    do {
        n = strnlen(line, PT_MESSAGES_PIECE);
        memcpy(piece, line, n);
        piece[n] = '\0';
        (void)pt_messages_read(messages, piece);
        line += n;
    } while (n == PT_MESSAGES_PIECE);
    pt_discreet(clean, sizeof clean, piece);
    must(strlen(clean) < sizeof clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_messages messages;
    if (size < 1 || size > 1 << 17)
        return 0;
    char *text = malloc(size), *line = text, *rest;
    must(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    pt_messages_begin(&messages, data[0] & 1 ? SSP_CLIENT : SSP_SERVER, "obfs4", data[0] & 2);
    for (; line != NULL; line = rest) {
        rest = strchr(line, '\n');
        if (rest != NULL)
            *rest++ = '\0';
        read_bridge(line);
        hear(&messages, line);
    }
    must(messages.progress != PT_REFUSED || (messages.status != 0 && messages.why[0] != '\0'));
    must(messages.progress != PT_READY || messages.place.port > 0);
    if (messages.progress == PT_READY)
        write_all(&messages.args);
    pt_messages_end(&messages);
    free(text);
    return 0;
}
