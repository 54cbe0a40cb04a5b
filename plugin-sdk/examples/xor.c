/* SPDX-License-Identifier: Apache-2.0 */
/* xor - the first plugin: every byte is combined with a number.  A disguise, not a cipher. */
#include <ssplugin/ssplugin.h>

#include <stdio.h>

enum { KEY_MAX = 255 };

struct conf {
    int key;
};

static const ssp_option options[] = {
    SSP_OPTION(struct conf, key, "key", SSP_INT, "90", "number from 1 to 255, at both ends"),
    SSP_OPTION_END,
};

static int setup(void *values, const ssp_env *env, char *why, size_t why_cap)
{
    const struct conf *conf = values;
    if (conf->key >= 1 && conf->key <= KEY_MAX)
        return 0;
    snprintf(why, why_cap, "key is %d, not a number from 1 to %d", conf->key, KEY_MAX);
    return -1;
}

/* Both directions, at both ends: the same twice is nothing. */
static ssp_verdict combine(ssp_conn *conn, void *state, ssp_io *io)
{
    const struct conf *conf = ssp_conn_conf(conn);
    size_t n, room = ssp_room_left(io);
    const uint8_t *in = ssp_in(io, &n);
    if (n == 0)
        return SSP_MORE;
    n = n < room ? n : room;
    uint8_t *out = ssp_room(io, n);
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] ^ (uint8_t)conf->key;
    ssp_used(io, n);
    ssp_skip(io, n);
    return SSP_OK;
}

static const ssp_codec xor_codec = {
    .size = sizeof(ssp_codec),
    .name = "xor",
    .version = "1.0",
    .about = "combines every byte with a number",
    .conf_size = sizeof(struct conf),
    .options = options,
    .setup = setup,
    .wrap = combine,
    .unwrap = combine,
};

int main(int argc, char **argv)
{
    return ssp_main(argc, argv, &xor_codec);
}
