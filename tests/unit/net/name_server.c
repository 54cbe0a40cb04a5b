/* SPDX-License-Identifier: Apache-2.0 */
#include "name_server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { HEADER = 12, FIXED = 12, TYPE_A = 1, TYPE_AAAA = 28, RCODE_NAME = 3 };

int name_server_open(char text[SSP_ADDRESS_TEXT_MAX])
{
    struct ssp__address a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ssp__address_parse(&a, "127.0.0.1", 0), 0);
    assert_int_equal(bind(fd, &a.u.any, a.len), 0);
    assert_int_equal(getsockname(fd, &a.u.any, &a.len), 0);
    ssp__address_format(&a, text, SSP_ADDRESS_TEXT_MAX);
    return fd;
}

void take_question(int server, ssp_loop *loop, struct question *q)
{
    enum { STEP_MS = 100 };
    struct pollfd p = {.fd = server, .events = POLLIN};
    for (int i = 0; i < WAIT_MS / STEP_MS && poll(&p, 1, STEP_MS) == 0; i++)
        assert_int_equal(ssp_loop_turn(loop, 0), 0);
    *q = (struct question){.client.len = sizeof q->client.u};
    ssize_t n = recvfrom(server, q->packet, QUESTION_MAX, 0, &q->client.u.any, &q->client.len);
    assert_true(n > HEADER);
    q->len = HEADER + strlen((const char *)q->packet + HEADER) + 1 + 4;
    assert_true(q->len <= (size_t)n);
    q->family = q->packet[q->len - 3] == TYPE_A ? AF_INET : AF_INET6;
}

void take_questions(int server, ssp_loop *loop, struct question q[QUESTIONS])
{
    struct question first, second;
    take_question(server, loop, &first);
    take_question(server, loop, &second);
    assert_true(first.family != second.family);
    q[0] = first.family == AF_INET ? first : second;
    q[1] = first.family == AF_INET ? second : first;
}

bool asks_for(const struct question *q, const char *labels)
{
    return strcmp((const char *)q->packet + HEADER, labels) == 0;
}

/* Sends the question back with a record of n bytes, or none. */
static void reply(int server, struct question *q, uint8_t rcode, const uint8_t *record, size_t n)
{
    q->packet[2] |= 0x80; /* an answer */
    q->packet[3] = 0x80 | rcode;
    memset(q->packet + 6, 0, 6); /* no records but this one */
    q->packet[7] = n > 0;
    if (n > 0)
        memcpy(q->packet + q->len, record, n);
    n += q->len;
    assert_int_equal(sendto(server, q->packet, n, 0, &q->client.u.any, q->client.len), n);
}

void answer(int server, struct question *q, const char *address)
{
    struct ssp__address a;
    assert_int_equal(ssp__address_parse(&a, address, 0), 0);
    assert_int_equal(a.u.any.sa_family, q->family);
    bool v4 = q->family == AF_INET;
    size_t size = v4 ? sizeof a.u.v4.sin_addr : sizeof a.u.v6.sin6_addr;
    uint8_t record[RECORD_MAX] = {0xc0, HEADER,       0, v4 ? TYPE_A : TYPE_AAAA, 0, 1, 0, 0, 0, 60,
                                  0,    (uint8_t)size};
    memcpy(record + FIXED, v4 ? (const void *)&a.u.v4.sin_addr : &a.u.v6.sin6_addr, size);
    reply(server, q, 0, record, FIXED + size);
}

void deny(int server, struct question *q)
{
    reply(server, q, 0, NULL, 0);
}

void deny_all(int server, struct question *q)
{
    reply(server, q, RCODE_NAME, NULL, 0);
}
