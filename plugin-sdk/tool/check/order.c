/* SPDX-License-Identifier: Apache-2.0 */
#include "check/order.h"

#include "check/pattern.h"

#include <string.h>

enum {
    MAGIC = 8,
    SEED = 8,
    UP = 16,
    DOWN = 24,
    WHEN = 32,
    FLAGS = 33,
    DELAY = 34,
    CHUNK = 36,
    SUM = 40
};
enum { CLOSE = 1, DEAF = 2 };

static const uint8_t magic[MAGIC] = {0x93, 's', 's', 'p', 0x0d, 0x0a, 0xc7, 0x01};

uint64_t order_answer_seed(const struct order *order)
{
    return ~order->seed;
}

/* Made and read on the same machine: its byte order will do. */
static uint64_t sum(const uint8_t *bytes)
{
    uint64_t word[SUM / 8], total = 0;
    memcpy(word, bytes, sizeof word);
    for (size_t i = 0; i < SUM / 8; i++)
        total = pattern_number(total ^ word[i], i);
    return total;
}

void order_write(const struct order *order, uint8_t bytes[ORDER_SIZE])
{
    memset(bytes, 0, ORDER_SIZE);
    memcpy(bytes, magic, MAGIC);
    memcpy(bytes + SEED, &order->seed, sizeof order->seed);
    memcpy(bytes + UP, &order->up, sizeof order->up);
    memcpy(bytes + DOWN, &order->down, sizeof order->down);
    bytes[WHEN] = order->when;
    bytes[FLAGS] = (uint8_t)((order->close ? CLOSE : 0) | (order->deaf ? DEAF : 0));
    memcpy(bytes + DELAY, &order->delay_ms, sizeof order->delay_ms);
    memcpy(bytes + CHUNK, &order->chunk, sizeof order->chunk);
    uint64_t total = sum(bytes);
    memcpy(bytes + SUM, &total, sizeof total);
}

size_t order_resembles(const uint8_t *bytes, size_t n)
{
    size_t same = 0, max = n < MAGIC ? n : MAGIC;
    while (same < max && bytes[same] == magic[same])
        same++;
    return same == max ? n : same;
}

int order_read(struct order *order, const uint8_t bytes[ORDER_SIZE])
{
    uint64_t total;
    memcpy(&total, bytes + SUM, sizeof total);
    if (order_resembles(bytes, ORDER_SIZE) != ORDER_SIZE || total != sum(bytes))
        return -1;
    *order = (struct order){.when = bytes[WHEN],
                            .close = (bytes[FLAGS] & CLOSE) != 0,
                            .deaf = (bytes[FLAGS] & DEAF) != 0};
    memcpy(&order->seed, bytes + SEED, sizeof order->seed);
    memcpy(&order->up, bytes + UP, sizeof order->up);
    memcpy(&order->down, bytes + DOWN, sizeof order->down);
    memcpy(&order->delay_ms, bytes + DELAY, sizeof order->delay_ms);
    memcpy(&order->chunk, bytes + CHUNK, sizeof order->chunk);
    return 0;
}
