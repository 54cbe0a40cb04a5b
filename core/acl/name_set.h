/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_set.h - a set of host names and of domains, each with the line of its rule.
 */
#ifndef SS_ACL_NAME_SET_H
#define SS_ACL_NAME_SET_H

#include <stddef.h>
#include <stdint.h>

/* The names that a rule covers. */
enum ss_cover {
    SS_COVER_EXACT,  /* that name */
    SS_COVER_DOMAIN, /* that name and all below it */
    SS_COVER_BELOW,  /* all names below it */
    SS_COVERS
};

struct ss_name_entry {
    uint32_t at; /* of its text */
    uint32_t hash;
    unsigned line[SS_COVERS]; /* 0: no such rule */
    uint8_t len;
};

/* All zero is an empty set. */
struct ss_name_set {
    char *text; /* of all names, one after the other, each with a terminating zero */
    size_t text_len, text_cap;
    struct ss_name_entry *entry;
    size_t n, cap;
    uint32_t *slot; /* 0: free, else the index of an entry plus 1 */
    size_t slots;   /* a power of two */
};

void ss_name_set_release(struct ss_name_set *names);

/* Adds a name in the form of ss_host_name(); the first line of several stays.  Returns 0, or -1
 * when memory is out. */
int ss_name_set_add(struct ss_name_set *names, const char *name, enum ss_cover cover,
                    unsigned line);

/* The line of the rule that covers most labels of the name, or 0. */
unsigned ss_name_set_find(const struct ss_name_set *names, const char *name);

#endif
