/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/toy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char preface[] = "TOY1", tag[] = "toyd";
enum { PREFACE = sizeof preface - 1, TAG = sizeof tag - 1 };

struct toy_conf {
    int mask;
    const char *mask_file, *key, *stranger;
};

struct toy_state {
    bool begun; /* the preface has been said, or heard */
};

static const ssp_option options[] = {
    {.name = "mask",
     .type = SSP_INT,
     .offset = offsetof(struct toy_conf, mask),
     .dflt = "90",
     .help = "number to XOR each byte with"},
    {.name = "mask-file",
     .type = SSP_TEXT,
     .offset = offsetof(struct toy_conf, mask_file),
     .help = "file with the mask, read again on SIGHUP"},
    {.name = "key",
     .type = SSP_TEXT,
     .offset = offsetof(struct toy_conf, key),
     .help = "not used",
     .flags = SSP_SECRET},
    {.name = "stranger",
     .type = SSP_ADDRESS,
     .offset = offsetof(struct toy_conf, stranger),
     .help = "address for foreign connections",
     .flags = SSP_FOR_SERVER},
    SSP_OPTION_END,
};

static int read_mask(void *at, char *why, size_t why_cap)
{
    struct toy_conf *conf = at;
    char text[16] = "", *end = text;
    if (conf->mask_file == NULL)
        return 0;
    FILE *file = fopen(conf->mask_file, "re");
    if (file != NULL && fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    if (file != NULL)
        (void)fclose(file);
    long mask = strtol(text, &end, 10);
    if (end == text || mask < 0 || mask > 255) {
        (void)snprintf(why, why_cap, "mask-file %.100s: no number from 0 to 255", conf->mask_file);
        return -1;
    }
    conf->mask = (int)mask;
    return 0;
}

static int setup(void *conf, const ssp_env *env, char *why, size_t why_cap)
{
    (void)env;
    return read_mask(conf, why, why_cap);
}

static const char *stranger(const void *at)
{
    const struct toy_conf *conf = at;
    return conf->stranger;
}

static void flip(uint8_t *to, const uint8_t *from, size_t n, uint8_t mask)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] ^ mask;
}

static ssp_verdict flip_stream(ssp_io *io, uint8_t mask)
{
    size_t n, room = ssp_room_left(io);
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    n = n < room ? n : room;
    uint8_t *out = ssp_room(io, n);
    if (out == NULL)
        return SSP_OK;
    flip(out, in, n, mask);
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

static uint8_t mask_of(const ssp_conn *conn)
{
    const struct toy_conf *conf = ssp_conn_conf(conn);
    return (uint8_t)conf->mask;
}

static ssp_verdict wrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct toy_state *state = at;
    size_t n;
    (void)ssp_in(io, &n);
    if (ssp_conn_role(conn) == SSP_CLIENT && !state->begun && n > 0) {
        ssp_put(io, preface, PREFACE);
        state->begun = true;
    }
    return flip_stream(io, mask_of(conn));
}

static ssp_verdict unwrap(ssp_conn *conn, void *at, ssp_io *io)
{
    struct toy_state *state = at;
    size_t n;
    const uint8_t *in = ssp_in(io, &n);
    if (ssp_conn_role(conn) == SSP_CLIENT || state->begun)
        return flip_stream(io, mask_of(conn));
    if (n == 0 || memcmp(in, preface, n < PREFACE ? n : PREFACE) != 0)
        return n == 0 ? SSP_MORE : SSP_FOREIGN;
    if (n < PREFACE)
        return SSP_MORE;
    ssp_skip(io, PREFACE);
    state->begun = true;
    return SSP_OK;
}

static ptrdiff_t seal(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    (void)cap;
    memcpy(out, tag, TAG);
    flip(out + TAG, in, n, mask_of(conn));
    return (ptrdiff_t)(n + TAG);
}

static ptrdiff_t open_datagram(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                               size_t cap)
{
    (void)cap;
    if (n < TAG || memcmp(in, tag, TAG) != 0)
        return -1;
    flip(out, in + TAG, n - TAG, mask_of(conn));
    return (ptrdiff_t)(n - TAG);
}

const ssp_codec toy = {
    .size = sizeof(ssp_codec),
    .name = "toy",
    .version = "1.0",
    .about = "XOR, for tests",
    .conf_size = sizeof(struct toy_conf),
    .state_size = sizeof(struct toy_state),
    .options = options,
    .setup = setup,
    .wrap = wrap,
    .unwrap = unwrap,
    .fallback = stranger,
    .reload = read_mask,
    .seal = seal,
    .open = open_datagram,
    .datagram_overhead = TAG,
};

/* ---- the coat ---- */

struct coat_conf {
    int mask;
};

static const ssp_option coat_options[] = {
    {.name = "mask",
     .type = SSP_INT,
     .offset = offsetof(struct coat_conf, mask),
     .dflt = "255",
     .help = "mask of the coat"},
    SSP_OPTION_END,
};

static ssp_verdict coat_flip(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct coat_conf *conf = ssp_conn_conf(conn);
    (void)state;
    return flip_stream(io, (uint8_t)conf->mask);
}

static ptrdiff_t coat_seal(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                           size_t cap)
{
    const struct coat_conf *conf = ssp_conn_conf(conn);
    (void)cap;
    out[0] = '!';
    flip(out + 1, in, n, (uint8_t)conf->mask);
    return (ptrdiff_t)n + 1;
}

static ptrdiff_t coat_open(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                           size_t cap)
{
    const struct coat_conf *conf = ssp_conn_conf(conn);
    (void)cap;
    if (n < 1 || in[0] != '!')
        return -1;
    flip(out, in + 1, n - 1, (uint8_t)conf->mask);
    return (ptrdiff_t)n - 1;
}

const ssp_codec coat = {
    .size = sizeof(ssp_codec),
    .name = "coat",
    .version = "2.0",
    .about = "XOR again, for tests",
    .conf_size = sizeof(struct coat_conf),
    .options = coat_options,
    .wrap = coat_flip,
    .unwrap = coat_flip,
    .seal = coat_seal,
    .open = coat_open,
    .datagram_overhead = 1,
};
