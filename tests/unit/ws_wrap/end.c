/* SPDX-License-Identifier: Apache-2.0 */
#include "end.h"

#define REQUEST                                                                                    \
    "GET / HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"                         \
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                       \
    "Sec-WebSocket-Version: 13\r\n\r\n"
/* That of a key of zeros. */
#define ANSWER                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"

static const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};

void end_begin(struct end *end, ssp_role role, const char *options)
{
    char why[256] = "";
    *end = (struct end){.role = role};
    end->conf = ssp_conf_new(&ws_wrap, role, options, why, sizeof why);
    if (end->conf == NULL)
        fail_msg("%s", why);
    end->drive = ssp_drive_new(&ws_wrap, role, ssp_conf_values(end->conf), NULL);
    assert_non_null(end->drive);
}

static void forget(struct end *end, ssp_dir dir)
{
    size_t n;
    (void)ssp_drive_output(end->drive, dir, &n);
    ssp_drive_take(end->drive, dir, n);
}

void end_open(struct end *end, ssp_role role, const char *options)
{
    end_begin(end, role, options);
    if (role == SSP_CLIENT)
        assert_int_equal(ssp_drive_feed(end->drive, SSP_WRAP, "", 0, 0), SSP_MORE);
    const char *head = role == SSP_CLIENT ? ANSWER : REQUEST;
    assert_int_equal(ssp_drive_feed(end->drive, SSP_UNWRAP, head, strlen(head), 0), SSP_MORE);
    forget(end, SSP_WRAP);
}

void end_close(struct end *end)
{
    assert_null(ssp_drive_broken_rule(end->drive));
    ssp_drive_free(end->drive);
    ssp_conf_free(end->conf);
}

ssp_verdict end_feed(struct end *end, const void *wire, size_t n, size_t step)
{
    const uint8_t *bytes = wire;
    ssp_verdict verdict = SSP_MORE;
    step = step > 0 ? step : n;
    for (size_t at = 0; at < n; at += step) {
        size_t len = n - at < step ? n - at : step;
        verdict = ssp_drive_feed(end->drive, SSP_UNWRAP, bytes + at, len, 0);
    }
    return verdict;
}

size_t end_frame(const struct end *end, const struct said *said, uint8_t *wire)
{
    bool masks = end->role == SSP_SERVER;
    size_t at = 0;
    wire[at++] = (uint8_t)((said->more ? 0 : 0x80) | said->reserved << 4 | said->opcode);
    size_t lengths = said->len <= 125 ? 0 : said->len <= 65535 ? 2 : 8;
    size_t first = lengths == 0 ? said->len : lengths == 2 ? 126 : 127;
    wire[at++] = (uint8_t)((masks ? 0x80 : 0) | first);
    while (lengths > 0)
        wire[at++] = (uint8_t)(said->len >> 8 * --lengths);
    if (masks) {
        memcpy(wire + at, mask, sizeof mask);
        at += sizeof mask;
    }
    for (size_t i = 0; i < said->len; i++)
        wire[at + i] = (uint8_t)said->payload[i] ^ (masks ? mask[i % 4] : 0);
    return at + said->len;
}

int end_hears(struct end *end, const uint8_t **payload, size_t *len)
{
    size_t n;
    const uint8_t *wire = ssp_drive_output(end->drive, SSP_WRAP, &n) + end->wired;
    n -= end->wired;
    if (n == 0)
        return -1;
    assert_true(n >= 2);
    assert_int_equal(wire[1] >> 7, end->role == SSP_CLIENT);
    size_t at = 2, lengths = (wire[1] & 127) == 126 ? 2 : (wire[1] & 127) == 127 ? 8 : 0;
    *len = lengths == 0 ? wire[1] & 127 : 0;
    for (; lengths > 0; lengths--)
        *len = *len << 8 | wire[at++];
    at += end->role == SSP_CLIENT ? 4 : 0; /* a mask of zeros */
    assert_true(at + *len <= n);
    *payload = wire + at;
    end->wired += at + *len;
    return wire[0] & 15;
}

const uint8_t *end_plain(const struct end *end, size_t *n)
{
    return ssp_drive_output(end->drive, SSP_UNWRAP, n);
}
