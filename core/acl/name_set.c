/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/name_set.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 64 }; /* entries, and bytes of text */

static const uint32_t hash_begin = 2166136261U;

/* FNV-1a, from the last byte of a name to the first: the hash of every domain that a name is in
 * comes from one pass.  The table is the user's own, so that no peer chooses what collides. */
static uint32_t hash_add(uint32_t hash, char c)
{
    return (hash ^ (uint8_t)c) * 16777619U;
}

static size_t mix(uint32_t hash)
{
    return (size_t)((hash ^ hash >> 15) * UINT64_C(0x9e3779b97f4a7c15) >> 24);
}

void ss_name_set_release(struct ss_name_set *s)
{
    free(s->text);
    free(s->entry);
    free(s->slot);
    *s = (struct ss_name_set){.n = 0};
}

/* The slot of that name, or the free one where it goes. */
static size_t find_slot(const struct ss_name_set *s, const char *name, size_t len, uint32_t hash)
{
    size_t i = mix(hash) & (s->slots - 1);
    for (; s->slot[i] != 0; i = (i + 1) & (s->slots - 1)) {
        const struct ss_name_entry *e = &s->entry[s->slot[i] - 1];
        if (e->hash == hash && e->len == len && memcmp(s->text + e->at, name, len) == 0)
            break;
    }
    return i;
}

/* At most half of the slots are taken. */
static int grow_slots(struct ss_name_set *s)
{
    size_t slots = s->slots == 0 ? (size_t)FIRST * 2 : s->slots * 2;
    uint32_t *slot = calloc(slots, sizeof *slot);
    if (slot == NULL)
        return -1;
    free(s->slot);
    s->slot = slot;
    s->slots = slots;
    for (size_t i = 0; i < s->n; i++) {
        const struct ss_name_entry *e = &s->entry[i];
        s->slot[find_slot(s, s->text + e->at, e->len, e->hash)] = (uint32_t)i + 1;
    }
    return 0;
}

static void *grown(void *old, size_t *cap, size_t size)
{
    size_t more = *cap == 0 ? FIRST : *cap + *cap / 2;
    void *bigger = realloc(old, more * size);
    if (bigger != NULL)
        *cap = more;
    return bigger;
}

static int make_room(struct ss_name_set *s, size_t len)
{
    while (s->text_cap - s->text_len < len + 1) {
        char *text = grown(s->text, &s->text_cap, 1);
        if (text == NULL)
            return -1;
        s->text = text;
    }
    if (s->n == s->cap) {
        struct ss_name_entry *entry = grown(s->entry, &s->cap, sizeof *entry);
        if (entry == NULL)
            return -1;
        s->entry = entry;
    }
    return s->n * 2 < s->slots ? 0 : grow_slots(s);
}

int ss_name_set_add(struct ss_name_set *s, const char *name, enum ss_cover cover, unsigned line)
{
    size_t len = strlen(name);
    uint32_t hash = hash_begin;
    if (len > UINT8_MAX || make_room(s, len) == -1)
        return -1;
    for (size_t i = len; i > 0; i--)
        hash = hash_add(hash, name[i - 1]);
    size_t at = find_slot(s, name, len, hash);
    if (s->slot[at] == 0) {
        s->entry[s->n] =
            (struct ss_name_entry){.at = (uint32_t)s->text_len, .hash = hash, .len = (uint8_t)len};
        memcpy(s->text + s->text_len, name, len + 1);
        s->text_len += len + 1;
        s->slot[at] = (uint32_t)++s->n;
    }
    unsigned *first = &s->entry[s->slot[at] - 1].line[cover];
    if (*first == 0)
        *first = line;
    return 0;
}

/* The rule of one domain that the name is in, or of the whole name. */
static unsigned line_of(const struct ss_name_entry *e, bool whole)
{
    if (whole && e->line[SS_COVER_EXACT] != 0)
        return e->line[SS_COVER_EXACT];
    if (e->line[SS_COVER_DOMAIN] != 0)
        return e->line[SS_COVER_DOMAIN];
    return whole ? 0 : e->line[SS_COVER_BELOW];
}

unsigned ss_name_set_find(const struct ss_name_set *s, const char *name)
{
    size_t len = strlen(name);
    uint32_t hash = hash_begin;
    unsigned line = 0;
    if (s->n == 0)
        return 0;
    for (size_t i = len; i > 0; i--) {
        const char *part = name + i - 1;
        hash = hash_add(hash, *part);
        if (i > 1 && part[-1] != '.')
            continue;
        uint32_t slot = s->slot[find_slot(s, part, len - i + 1, hash)];
        unsigned found = slot != 0 ? line_of(&s->entry[slot - 1], i == 1) : 0;
        line = found != 0 ? found : line;
    }
    return line;
}
