/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/names.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names that are known at once; addresses, without the first one of the network. */
enum { KNOWN = 4096, FIRST = 0xC6120001, ADDRESSES = 0x1FFFE };

struct ss_names {
    pthread_mutex_t lock; /* guards what follows */
    uint32_t given;       /* so far */
    struct {
        uint32_t address; /* of the host's order */
        char *name;       /* NULL: none */
    } row[KNOWN];
};

struct ss_names *ss_names_new(void)
{
    struct ss_names *names = calloc(1, sizeof *names);
    if (names != NULL)
        (void)pthread_mutex_init(&names->lock, NULL); /* which cannot fail here */
    return names;
}

void ss_names_free(struct ss_names *names)
{
    if (names == NULL)
        return;
    for (size_t i = 0; i < KNOWN; i++)
        free(names->row[i].name);
    (void)pthread_mutex_destroy(&names->lock);
    free(names);
}

static int give(struct ss_names *names, const char *name, struct in_addr *address)
{
    for (size_t i = 0; i < KNOWN && names->row[i].name != NULL; i++) {
        if (strcasecmp(names->row[i].name, name) == 0) {
            address->s_addr = htonl(names->row[i].address);
            return 0;
        }
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return -1;
    size_t at = names->given % KNOWN;
    free(names->row[at].name);
    names->row[at].name = copy;
    names->row[at].address = (uint32_t)FIRST + names->given % ADDRESSES;
    address->s_addr = htonl(names->row[at].address);
    names->given++;
    return 0;
}

int ss_names_address(struct ss_names *names, const char *name, struct in_addr *address)
{
    (void)pthread_mutex_lock(&names->lock);
    int rc = give(names, name, address);
    (void)pthread_mutex_unlock(&names->lock);
    return rc;
}

static const char *find(const struct ss_names *names, struct in_addr address)
{
    uint32_t asked = ntohl(address.s_addr), place = asked - (uint32_t)FIRST;
    if (place >= ADDRESSES)
        return NULL;
    for (size_t i = 0; i < KNOWN && names->row[i].name != NULL; i++) {
        if (names->row[i].address == asked)
            return names->row[i].name;
    }
    return NULL;
}

bool ss_names_find(struct ss_names *names, struct in_addr address, char *name, size_t cap)
{
    (void)pthread_mutex_lock(&names->lock);
    const char *known = find(names, address);
    bool fits = known != NULL && strlen(known) < cap;
    if (fits)
        memcpy(name, known, strlen(known) + 1);
    (void)pthread_mutex_unlock(&names->lock);
    return fits;
}
