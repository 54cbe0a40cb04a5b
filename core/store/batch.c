/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include <stdlib.h>
#include <string.h>

bool ss_batch_add(struct ss_batch *b, unsigned port, const char *name, uint64_t up, uint64_t down)
{
    if (b->n == b->cap) {
        size_t cap = b->cap == 0 ? 16 : 2 * b->cap;
        struct ss_batch_entry *grown = reallocarray(b->at, cap, sizeof *grown);
        if (grown == NULL)
            return false;
        b->at = grown;
        b->cap = cap;
    }
    struct ss_batch_entry e = {.port = port, .up = up, .down = down};
    if (name != NULL && (e.name = strdup(name)) == NULL)
        return false;
    b->at[b->n++] = e;
    return true;
}

void ss_batch_release(struct ss_batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->at[i].name);
    free(b->at);
    *b = (struct ss_batch){.n = 0};
}

/* A batch whose number is not above the last one has been added already.  The number is noted
 * before anything is added, and no addition ends the program: it is never half of one. */
const char ss_batch_script[] =
    "local last = tonumber(redis.call('HGET', KEYS[1], 'sequence') or '0')\n"
    "local fresh = tonumber(ARGV[1]) > last\n"
    "if fresh then\n"
    "  redis.call('HSET', KEYS[1], 'sequence', ARGV[1])\n"
    "  redis.call('EXPIRE', KEYS[1], 604800)\n"
    "end\n"
    "local out = {fresh and 1 or 0}\n"
    "local function put(key, field, bytes)\n"
    "  local total\n"
    "  if fresh then\n"
    "    total = redis.pcall('HINCRBY', key, field, bytes)\n"
    "  else\n"
    "    total = redis.pcall('HGET', key, field)\n"
    "    if type(total) == 'string' then total = tonumber(total) end\n"
    "  end\n"
    "  if type(total) ~= 'number' or total < 0 then total = -1 end\n"
    "  out[#out + 1] = total\n"
    "end\n"
    "for i = 2, #ARGV, 4 do\n"
    "  local key, name = KEYS[tonumber(ARGV[i])], ARGV[i + 1]\n"
    "  if name ~= '' then name = ':' .. name end\n"
    "  put(key, 'up' .. name, ARGV[i + 2])\n"
    "  put(key, 'down' .. name, ARGV[i + 3])\n"
    "end\n"
    "return out\n";

bool ss_batch_answer(struct ss_batch *b, const long long *numbers, size_t n, struct ss_batch *rest)
{
    if (n != 1 + 2 * b->n)
        return false;
    bool fresh = numbers[0] == 1;
    for (size_t i = 0; i < b->n; i++) {
        struct ss_batch_entry *e = &b->at[i];
        long long up = numbers[1 + 2 * i], down = numbers[2 + 2 * i];
        e->totalled = up >= 0 && down >= 0;
        if (e->totalled)
            e->total = (uint64_t)up + (uint64_t)down;
        else if (fresh)
            (void)ss_batch_add(rest, e->port, e->name, up < 0 ? e->up : 0, down < 0 ? e->down : 0);
    }
    return true;
}
