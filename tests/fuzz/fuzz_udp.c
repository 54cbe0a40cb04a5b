/* SPDX-License-Identifier: Apache-2.0 */
/* Any datagram through the fronts of packets: a target that can be dialed, or a reason; and its
 * payload as the answer of any address, which the peer's front reads again. */
#include "must.h"

#include "proto/socks.h"
#include "proto/target.h"

enum { INPUT_MAX = 2048, V4 = 4, V6 = 16, SOCKS = 3 };

static void must_be_dialable(const struct ssp__endpoint *to)
{
    struct ssp__address a;
    char text[SSP_HOST_MAX + 8];
    must(to->port != 0);
    ssp__endpoint_format(to, text, sizeof text);
    must(text[0] != '\0');
    if (!to->named) {
        must(ssp__endpoint_address(to, &a) && ssp__address_port(&a) == to->port);
        return;
    }
    size_t n = strnlen(to->u.name, sizeof to->u.name);
    must(n > 0 && n < sizeof to->u.name);
    for (size_t i = 0; i < n; i++)
        must(to->u.name[i] > ' ' && (unsigned char)to->u.name[i] < 0x7f);
}

static struct ssp__address source(const uint8_t *data, size_t size)
{
    struct ssp__address a = {.len = sizeof a.u.v6};
    memset(&a.u, 0, sizeof a.u);
    if (size >= V6 + 2 && data[0] & 1) {
        a.u.v6.sin6_family = AF_INET6;
        memcpy(&a.u.v6.sin6_addr, data, V6);
        a.u.v6.sin6_port = 1;
        return a;
    }
    a.len = sizeof a.u.v4;
    a.u.v4.sin_family = AF_INET;
    memcpy(&a.u.v4.sin_addr, data, size < V4 ? size : V4);
    a.u.v4.sin_port = 1;
    return a;
}

/* An answer is a request to its source. */
static void must_come_back(const struct ssp__packet_front *front, const uint8_t *data, size_t size)
{
    uint8_t *memory = malloc(SSP_PACKET_HEADROOM + size + 1);
    struct ssp__address from = source(data, size), to;
    must(memory != NULL);
    memcpy(memory + SSP_PACKET_HEADROOM, data, size);
    struct ssp__packet_io p = {
        .bytes = memory + SSP_PACKET_HEADROOM, .len = size, .bare = true, .from = &from};
    must(front->answered(&p) == 0 && p.bytes >= memory);
    struct ssp__packet_io again = {.bytes = p.bytes, .len = p.len};
    must(front->asked(&again) == 0);
    const uint8_t *payload = again.bytes + (again.bare ? 0 : again.header_len);
    must(payload + size == p.bytes + p.len && memcmp(payload, data, size) == 0);
    must(ssp__endpoint_address(&again.target.endpoint, &to) && ssp__address_port(&to) == 256);
    free(memory);
}

/* As RFC 1928, section 5, has it, and read here by another reader. */
static size_t header_length(const uint8_t *p)
{
    static const size_t length[] = {[1] = 1 + V4 + 2, [3] = 2 + 2, [4] = 1 + V6 + 2};
    return length[p[0]] + (p[0] == 3 ? p[1] : 0);
}

static void is_read(const struct ssp__packet_front *front, const uint8_t *data, size_t size,
                    size_t prefix)
{
    uint8_t *memory = malloc(size + 1);
    must(memory != NULL);
    memcpy(memory, data, size);
    struct ssp__packet_io p = {.bytes = memory, .len = size};
    int rc = front->asked(&p);
    must(rc == 0 || (rc == -1 && p.why != NULL));
    if (rc == 0) {
        must_be_dialable(&p.target.endpoint);
        const uint8_t *payload = p.bytes + (p.bare ? 0 : p.header_len);
        must(payload == memory + prefix + header_length(memory + prefix));
        must(p.bytes + p.len == memory + size);
    }
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    is_read(&ss_target_packet_front, data, size, 0);
    is_read(&ss_socks_packet_front, data, size, SOCKS);
    must_come_back(&ss_target_packet_front, data, size);
    must_come_back(&ss_socks_packet_front, data, size);
    return 0;
}
