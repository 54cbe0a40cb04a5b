/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <stdio.h>

enum { STATUS_DIGITS = 3, SWITCHING = 101, NO_CONTENT = 204, NOT_MODIFIED = 304 };

int ss_http_response_read(struct ss_http_response *r, const uint8_t *p, size_t len)
{
    uint64_t status;
    *r = (struct ss_http_response){.status = 0};
    struct ss_http_text line = ss_http_head_split(p, len, SS_HTTP_LENIENT, &r->message.fields);
    struct ss_http_text version = ss_http_cut(&line, ' ');
    line = ss_http_trim(line);
    struct ss_http_text code = ss_http_cut(&line, ' ');
    if (ss_http_version_read(version, &r->message.minor) != 0 || code.len != STATUS_DIGITS ||
        ss_http_number(code, &status) == -1 || status < 100)
        return -1;
    r->status = (unsigned)status;
    r->reason = line;
    for (size_t i = 0; i < line.len; i++) {
        if ((uint8_t)line.at[i] < ' ' && line.at[i] != '\t')
            return -1;
    }
    return ss_http_message_read(&r->message) == 0 ? 0 : -1;
}

enum ss_http_framing ss_http_response_framing(const struct ss_http_response *r, bool bodiless)
{
    if (bodiless || r->status < 200 || r->status == NO_CONTENT || r->status == NOT_MODIFIED)
        return SS_HTTP_NO_BODY;
    return r->message.chunked      ? SS_HTTP_CHUNKED
           : r->message.has_length ? SS_HTTP_LENGTH
                                   : SS_HTTP_UNTIL_END;
}

size_t ss_http_response_room(size_t len)
{
    enum { ADDED = 256 };
    return 2 * len + ADDED;
}

/* A length that the response has without its body, as that to HEAD has it, is passed on. */
static void put_framing(struct ss_http_out *out, const struct ss_http_response *r,
                        const struct ss_http_client *client)
{
    bool none = r->status < 200 || r->status == NO_CONTENT;
    if (none)
        return;
    if (r->message.chunked && client->minor > 0)
        ss_http_put_text(out, "Transfer-Encoding: chunked\r\n");
    else if (r->message.has_length && !r->message.chunked)
        ss_http_put_length(out, r->message.length);
}

static void put_connection(struct ss_http_out *out, const struct ss_http_response *r,
                           const struct ss_http_client *client)
{
    if (r->status == SWITCHING)
        ss_http_put_text(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    else if (r->status >= 200 && !client->persists)
        ss_http_put_text(out, "Connection: close\r\n");
    else if (r->status >= 200 && client->minor == 0)
        ss_http_put_text(out, "Connection: keep-alive\r\n");
}

size_t ss_http_response_write(const struct ss_http_response *r, const struct ss_http_client *client,
                              char *to, size_t cap)
{
    struct ss_http_out out = {to, to + cap, false};
    char line[32];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %u ", r->status);
    ss_http_put_text(&out, line);
    ss_http_put(&out, r->reason);
    ss_http_put_text(&out, "\r\n");
    ss_http_put_fields(&out, &r->message, "");
    put_framing(&out, r, client);
    put_connection(&out, r, client);
    ss_http_put_text(&out, "\r\n");
    return out.overflown ? 0 : (size_t)(out.at - to);
}
