/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include "must.h"

#include <openssl/crypto.h>

/* Blocks of powers of two, freed ones in a list for each; the whole is never given back. */
enum { SMALLEST = 5, CLASSES = 20, ARENA_BYTES = 256 << 20 };

struct block {
    size_t rank;
    struct block *next; /* of a free one; else the first bytes of the user */
};

enum { HEADER = offsetof(struct block, next) + sizeof(size_t) };

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): one allocator of the process */
static _Alignas(16) unsigned char arena[ARENA_BYTES];
static size_t used, in_use;
static struct block *free_blocks[CLASSES];
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

static size_t bytes_of(size_t rank)
{
    return (size_t)1 << (rank + SMALLEST);
}

static void *take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    size_t rank = 0;
    while (rank < CLASSES && bytes_of(rank) < size)
        rank++;
    must(rank < CLASSES);
    struct block *b = free_blocks[rank];
    if (b != NULL) {
        free_blocks[rank] = b->next;
    } else {
        must(ARENA_BYTES - used >= HEADER + bytes_of(rank));
        b = (struct block *)(void *)(arena + used);
        used += HEADER + bytes_of(rank);
        b->rank = rank;
    }
    in_use++;
    return (unsigned char *)b + HEADER;
}

static struct block *block_of(void *user)
{
    return (struct block *)(void *)((unsigned char *)user - HEADER);
}

static void give_back(void *user, const char *file, int line)
{
    (void)file, (void)line;
    if (user == NULL)
        return;
    struct block *b = block_of(user);
    b->next = free_blocks[b->rank];
    free_blocks[b->rank] = b;
    in_use--;
}

static void *resize(void *user, size_t size, const char *file, int line)
{
    size_t had = user != NULL ? bytes_of(block_of(user)->rank) : 0;
    if (user != NULL && size > 0 && size <= had)
        return user;
    void *fresh = size > 0 ? take(size, file, line) : NULL;
    if (fresh != NULL && user != NULL)
        memcpy(fresh, user, had);
    give_back(user, file, line);
    return fresh;
}

void arena_serve_openssl(void)
{
    must(CRYPTO_set_mem_functions(take, resize, give_back) == 1);
}

size_t arena_blocks(void)
{
    return in_use;
}
