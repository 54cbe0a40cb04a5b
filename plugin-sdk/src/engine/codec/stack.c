/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - several codecs as one: the row of their stack. */
#include "codec/stack.h"

#include "base/codec.h"
#include "codec/datagram.h"
#include "codec/stack_conn.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_MIN = 64 * 1024 };

static const ssp_stack *stack_of(const void *conf)
{
    return conf;
}

/* The outermost layer with a fallback decides: foreign bytes reach it first. */
static const char *fallback(const void *conf)
{
    const ssp_stack *s = stack_of(conf);
    const char *target = NULL;
    for (size_t i = s->n; i-- > 0 && target == NULL;) {
        const struct ssp__stack_layer *l = &s->layer[i];
        if (l->codec.fallback != NULL)
            target = l->codec.fallback(l->conf);
    }
    return target;
}

/* The layer nearest to the plain side that has one decides. */
static const ssp_carrier *carrier(const void *conf)
{
    const ssp_stack *s = stack_of(conf);
    const ssp_carrier *found = NULL;
    for (size_t i = 0; i < s->n && found == NULL; i++) {
        const struct ssp__stack_layer *l = &s->layer[i];
        if (l->codec.carrier != NULL)
            found = l->codec.carrier(l->conf);
    }
    return found;
}

/* Reloads each layer by itself: the new configuration of one stays, even if the next one fails. */
static int reload(void *conf, char *why, size_t why_cap)
{
    const ssp_stack *s = stack_of(conf);
    int rc = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct ssp__stack_layer *l = &s->layer[i];
        char reason[256] = "";
        if (l->codec.reload == NULL ||
            l->codec.reload((void *)(uintptr_t)l->conf, reason, sizeof reason) == 0)
            continue;
        if (rc == 0)
            (void)snprintf(why, why_cap, "%s: %s", l->codec.name, reason);
        rc = -1;
    }
    return rc;
}

/* The datagram goes to and fro between two halves of one block; the last layer writes to out. */
/* NOLINTNEXTLINE(readability-function-size): two buffers and their lengths */
static ptrdiff_t datagram(const ssp_conn *conn, ssp_dir dir, const uint8_t *in, size_t n,
                          uint8_t *out, size_t cap)
{
    const ssp_stack *s = stack_of(conn->conf);
    size_t room = n + s->codec.datagram_overhead;
    const char *rule = NULL;
    uint8_t *block = s->n > 1 ? malloc(2 * (room + 1)) : NULL;
    ptrdiff_t len = s->n > 1 && block == NULL ? -1 : (ptrdiff_t)n;
    for (size_t pos = 0; pos < s->n && len >= 0; pos++) {
        const struct ssp__stack_layer *l = &s->layer[dir == SSP_WRAP ? pos : s->n - 1 - pos];
        const ssp_conn own = {.role = conn->role, .conf = l->conf, .world = conn->world};
        bool last = pos == s->n - 1;
        uint8_t *to = last ? out : block + pos % 2 * (room + 1);
        len =
            ssp__datagram_run(&l->codec, &own, dir, in, (size_t)len, to, last ? cap : room, &rule);
        in = to;
    }
    free(block);
    /* An impossible length tells the caller that a rule was broken. */
    return rule != NULL ? (ptrdiff_t)(cap + 1) : len;
}

static ptrdiff_t seal(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    return datagram(conn, SSP_WRAP, in, n, out, cap);
}

static ptrdiff_t open_datagram(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                               size_t cap)
{
    return datagram(conn, SSP_UNWRAP, in, n, out, cap);
}

/* "inner+outer" */
static int join_names(ssp_stack *s)
{
    size_t len = 1;
    for (size_t i = 0; i < s->n; i++)
        len += strlen(s->layer[i].codec.name) + 1;
    char *end = s->name = malloc(len);
    if (end == NULL)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        if (i > 0)
            *end++ = '+';
        end = stpcpy(end, s->layer[i].codec.name);
    }
    return 0;
}

static void add_datagrams(ssp_stack *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!ssp__datagram_carried(&s->layer[i].codec))
            return;
    }
    s->codec.seal = seal;
    s->codec.open = open_datagram;
    for (size_t i = 0; i < s->n; i++)
        s->codec.datagram_overhead += s->layer[i].codec.datagram_overhead;
}

/* Adds the functions and properties of the layers to the row. */
static void add_layers(ssp_stack *s)
{
    s->scratch = SCRATCH_MIN;
    for (size_t i = 0; i < s->n; i++) {
        const ssp_codec *codec = &s->layer[i].codec;
        size_t room = ssp__pump_min_room(codec);
        s->codec.flags |= codec->flags;
        s->codec.min_room = room > s->codec.min_room ? room : s->codec.min_room;
        s->scratch = room > s->scratch ? room : s->scratch;
        if (codec->fallback != NULL)
            s->codec.fallback = fallback;
        if (codec->reload != NULL)
            s->codec.reload = reload;
        if (codec->carrier != NULL)
            s->codec.carrier = carrier;
    }
    /* The peer sees the last layer only. */
    if ((s->layer[s->n - 1].codec.flags & SSP_CLOSE_REFUSED) == 0)
        s->codec.flags &= ~(uint32_t)SSP_CLOSE_REFUSED;
    add_datagrams(s);
}

static bool without_role(const ssp_stack *s)
{
    const uint32_t both = SSP_CLIENT_ONLY | SSP_SERVER_ONLY;
    return (s->codec.flags & both) == both;
}

ssp_stack *ssp_stack_new(const ssp_codec *const *codec, const void *const *conf, size_t n)
{
    ssp_stack *s = n > 0 ? calloc(1, sizeof *s + n * sizeof s->layer[0]) : NULL;
    if (s == NULL)
        return NULL;
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        if (!ssp__codec_adopt(&s->layer[i].codec, codec[i]))
            goto fail;
        s->layer[i].conf = conf[i];
    }
    if (join_names(s) == -1)
        goto fail;
    s->codec = (ssp_codec){.size = sizeof s->codec,
                           .name = s->name,
                           .version = s->layer[0].codec.version,
                           .about = s->layer[0].codec.about,
                           .state_size = ssp__stack_conn_layout(s),
                           .wrap = ssp__stack_conn_wrap,
                           .unwrap = ssp__stack_conn_unwrap,
                           .close = ssp__stack_conn_close};
    add_layers(s);
    if (!without_role(s) && (s->codec.flags & SSP_BEGIN_DIVERTED) == 0)
        return s;
fail:
    ssp_stack_free(s);
    return NULL;
}

const ssp_codec *ssp_stack_codec(const ssp_stack *s)
{
    return &s->codec;
}

void ssp_stack_free(ssp_stack *s)
{
    if (s == NULL)
        return;
    free(s->name);
    free(s);
}
