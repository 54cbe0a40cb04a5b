/* SPDX-License-Identifier: Apache-2.0 */
#include "ws-wrap/answer.h"

#include <stdarg.h>
#include <stdio.h>

#define EXTENSION "half-close"

static bool agreed(const struct ws_conf *conf, struct ws_span head)
{
    return conf->half_close == WS_YES ||
           (conf->half_close == WS_AUTO &&
            ws_head_lists(head, "Sec-WebSocket-Extensions", EXTENSION));
}

__attribute__((format(printf, 2, 3))) static void append(struct ws_answer *a, const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    a->len += (size_t)vsnprintf(a->text + a->len, sizeof a->text - a->len, format, args);
    va_end(args);
}

static void prove(const struct ws_conf *conf, struct ws_span head, struct ws_answer *a)
{
    char proof[WS_ACCEPT_TEXT + 1];
    ws_key_prove(ws_head_field(head, "Sec-WebSocket-Key").text, proof);
    append(a, "Sec-WebSocket-Accept: %s\r\n", proof);
    a->terms.half_close = agreed(conf, head);
    if (a->terms.half_close && conf->half_close == WS_AUTO)
        append(a, "Sec-WebSocket-Extensions: " EXTENSION "\r\n");
}

/* Returns 0 for what is no base64, or too long: then it is no early data. */
static size_t early_data(struct ws_span protocol, uint8_t early[WS_EARLY_MAX])
{
    if (protocol.text == NULL)
        return 0;
    ptrdiff_t n = ssp_base64_read(protocol.text, protocol.len, early, WS_EARLY_MAX);
    return n > 0 ? (size_t)n : 0;
}

/* Each line as v2ray-plugin's server writes it; early data come back, as from Xray's. */
void ws_answer_write(const struct ws_conf *conf, struct ws_span head, struct ws_answer *a)
{
    struct ws_span protocol = ws_head_field(head, "Sec-WebSocket-Protocol");
    a->len = 0;
    a->terms = (struct ws_terms){0};
    a->early_len = early_data(protocol, a->early);
    append(a, "HTTP/1.1 101 Switching Protocols\r\n"
              "Upgrade: websocket\r\n"
              "Connection: Upgrade\r\n");
    if (conf->mode == WS_WEBSOCKET)
        prove(conf, head, a);
    if (a->early_len > 0)
        append(a, "Sec-WebSocket-Protocol: %.*s\r\n", (int)protocol.len, protocol.text);
    append(a, "\r\n");
}

static const char *refuse(struct ws_span line, char why[WS_WHY_MAX])
{
    int len = (int)(line.len < 80 ? line.len : 80);
    (void)snprintf(why, WS_WHY_MAX,
                   "websocket: the server answers \"%.*s\"; path= and host= must be those of the "
                   "server",
                   len, line.text);
    return why;
}

const char *ws_answer_judge(const struct ws_conf *conf, struct ws_span head, const char *proof,
                            struct ws_terms *terms, char why[WS_WHY_MAX])
{
    struct ws_span line = ws_head_line(head), rest = line;
    bool http = ws_span_is(ws_head_word(&rest), "HTTP/1.1");
    *terms = (struct ws_terms){0};
    if (!http || !ws_span_is(ws_head_word(&rest), "101"))
        return refuse(line, why);
    if (!ws_head_lists(head, "Upgrade", "websocket") ||
        !ws_head_lists(head, "Connection", "upgrade"))
        return "websocket: the server's 101 does not upgrade to websocket; it is no server of this "
               "plugin";
    if (conf->mode == WS_HTTPUPGRADE)
        return NULL;
    if (!ws_span_equals(ws_head_field(head, "Sec-WebSocket-Accept"), proof))
        return "websocket: the server's answer does not belong to our key; if it has "
               "mode=httpupgrade, so must the client";
    *terms = (struct ws_terms){.half_close = agreed(conf, head)};
    return NULL;
}
