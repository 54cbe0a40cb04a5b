/* SPDX-License-Identifier: Apache-2.0 */
/* A target header, and what follows it.  Input: see front_split.h. */
#include "front_split.h"
#include "must.h"
#include "proto/target.h"

#include <string.h>

/* Text and header say the same. */
static void agrees(const struct ssp__target *t)
{
    struct ssp__target rebuilt;
    char text[SSP_HOST_MAX], again[SSP_HOST_MAX];
    size_t size;
    const char *why;
    must(ss_target_set(&rebuilt, ssp__endpoint_host(&t->endpoint, text), t->endpoint.port) == 0);
    must(rebuilt.header_len == t->header_len);
    must(memcmp(rebuilt.header, t->header, t->header_len) == 0);
    must(ss_target_parse(&rebuilt, t->header, t->header_len, &size, &why) == SSP_OK);
    must(size == t->header_len);
    must(rebuilt.endpoint.named == t->endpoint.named);
    must(strcmp(ssp__endpoint_host(&rebuilt.endpoint, again),
                ssp__endpoint_host(&t->endpoint, text)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 2048)
        return 0;
    front_split_changes_nothing(&ss_target_front, NULL, data, size, agrees);
    return 0;
}
