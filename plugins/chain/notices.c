/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/notices.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The stage numbers of an inner chain do not match those of this chain. */
void notices_stats(struct notices *notices, unsigned process, const char *value)
{
    size_t n = 0, next = 0;
    while (value[next] != '\0' && !isdigit((unsigned char)value[next])) {
        n = next + strcspn(value + next, " ");
        next = n + strspn(value + n, " ");
    }
    (void)snprintf(notices->stats[process], sizeof notices->stats[process], "%.*s", (int)n, value);
}

/* Appends "N.word" for each word of stats that has one of the names. */
static void append_bytes(char *text, size_t cap, unsigned stage, const char *stats)
{
    while (*stats != '\0') {
        size_t n = strcspn(stats, " ");
        size_t len = strlen(text);
        if (strncmp(stats, "up=", 3) == 0 || strncmp(stats, "down=", 5) == 0)
            (void)snprintf(text + len, cap - len, "%s%u.%.*s", len > 0 ? " " : "", stage, (int)n,
                           stats);
        stats += n + strspn(stats + n, " ");
    }
}

const char *notices_compose(const struct notices *notices, char *text, size_t cap)
{
    (void)snprintf(text, cap, "%s", notices->stats[0]);
    for (unsigned i = 0; i < notices->processes->n; i++)
        append_bytes(text, cap, notices->processes->process[i].first + 1, notices->stats[i]);
    return text;
}

struct numbered {
    struct items *items;
    unsigned stage;
};

static int add_numbered(void *arg, const char *key, const char *value)
{
    const struct numbered *to = arg;
    char numbered[256];
    (void)snprintf(numbered, sizeof numbered, "%u.%.200s", to->stage, key);
    items_add(to->items, numbered, value);
    return 0;
}

void notices_client_options(struct items *items, unsigned stage, const char *options)
{
    struct numbered to = {items, stage};
    int at;
    if (items_each(options, add_numbered, &to, &at) != 0)
        items->failed = 1;
}
