/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/seen.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 1 << 16 };

struct stls_seen {
    uint64_t id[PLACES];
};

struct stls_seen *stls_seen_new(void)
{
    return calloc(1, sizeof(struct stls_seen));
}

void stls_seen_free(struct stls_seen *seen)
{
    free(seen);
}

/* An id is random, but for its tag: parts of it are as good as a hash. */
bool stls_seen_again(struct stls_seen *seen, const uint8_t id[STLS_SESSION_ID_LEN])
{
    uint64_t short_id;
    uint16_t place;
    memcpy(&short_id, id, sizeof short_id);
    memcpy(&place, id + sizeof short_id, sizeof place);
    bool again = seen->id[place] == short_id;
    seen->id[place] = short_id;
    return again;
}
