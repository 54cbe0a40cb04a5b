/* SPDX-License-Identifier: Apache-2.0 */
/* A PROXY header, and what follows it.  Byte 0: where the input is cut in two. */
#include "base/proxy_preface.h"
#include "must.h"

enum { INPUT_MAX = 8192 };

struct outcome {
    enum ssp__preface_verdict verdict;
    size_t used;
    struct ssp__address client;
    const char *why;
};

static struct outcome read_in(const uint8_t *data, size_t size, size_t cut)
{
    struct outcome o = {.verdict = SSP_PREFACE_MORE};
    struct ssp__preface_step step = {.client = &o.client};
    void *state = calloc(1, ssp__proxy_preface.state_size);
    must(state != NULL);
    if (cut > 0)
        o.verdict = ssp__proxy_preface.feed(state, data, cut, &step);
    o.used = step.used;
    if (o.verdict == SSP_PREFACE_MORE) {
        must(step.used == cut);
        o.verdict = ssp__proxy_preface.feed(state, data + cut, size - cut, &step);
        o.used += step.used;
    }
    o.why = step.why;
    free(state);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    size_t n = size - 1;
    struct outcome once = read_in(data + 1, n, 0);
    struct outcome twice = read_in(data + 1, n, n > 0 ? data[0] % n : 0);
    must(once.verdict == twice.verdict && once.used == twice.used && once.used <= n);
    must(once.client.len == twice.client.len);
    must(memcmp(&once.client.u, &twice.client.u, sizeof once.client.u) == 0);
    must(once.verdict != SSP_PREFACE_REFUSED || (once.why != NULL && once.client.len == 0));
    must(once.verdict != SSP_PREFACE_MORE || (once.used == n && n < SSP_PROXY_PREFACE_MAX));
    return 0;
}
