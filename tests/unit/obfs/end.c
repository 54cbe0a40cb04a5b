/* SPDX-License-Identifier: Apache-2.0 */
#include "end.h"

#include <string.h>

const ssp_env end_env = {
    .local_host = "127.0.0.1",
    .local_port = "8388",
    .remote_host = "127.0.0.1",
    .remote_port = "44171",
};

static void roll(void *arg, void *bytes, size_t n)
{
    uint32_t *dice = arg;
    uint8_t *out = bytes;
    for (size_t i = 0; i < n; i++) {
        *dice = *dice * 1664525u + 1013904223u;
        out[i] = (uint8_t)(*dice >> 24);
    }
}

static int64_t now(void *arg)
{
    (void)arg;
    return END_TIME;
}

void end_open(struct end *end, const ssp_codec *codec, struct obfs_conf conf, uint32_t seed)
{
    char why[200] = "";
    *end = (struct end){.conf = conf, .dice = seed, .codec = codec};
    end->world = (ssp_world){.random = roll, .unix_time = now, .arg = &end->dice};
    if (codec == &obfs_local && conf.uri == NULL)
        end->conf.uri = "/";
    assert_int_equal(codec->setup(&end->conf, &end_env, why, sizeof why), 0);
    ssp_role role = codec == &obfs_local ? SSP_CLIENT : SSP_SERVER;
    end->drive = ssp_drive_new(codec, role, &end->conf, &end->world);
    assert_non_null(end->drive);
}

void end_close(struct end *end)
{
    assert_null(ssp_drive_broken_rule(end->drive));
    ssp_drive_free(end->drive);
    if (end->codec->release != NULL)
        end->codec->release(&end->conf);
}

ssp_verdict end_feed(struct end *end, ssp_dir dir, const void *bytes, size_t n)
{
    return ssp_drive_feed(end->drive, dir, bytes, n, 0);
}

ssp_verdict end_finish(struct end *end, ssp_dir dir, const void *bytes, size_t n)
{
    return ssp_drive_feed(end->drive, dir, bytes, n, 1);
}

void end_says(const struct end *end, ssp_dir dir, const void *bytes, size_t n)
{
    size_t len;
    const uint8_t *said = ssp_drive_output(end->drive, dir, &len);
    assert_int_equal(len, n);
    if (n > 0)
        assert_memory_equal(said, bytes, n);
}

void end_forget(struct end *end, ssp_dir dir)
{
    size_t len;
    (void)ssp_drive_output(end->drive, dir, &len);
    ssp_drive_take(end->drive, dir, len);
}

void end_unwraps_every_split(const ssp_codec *codec, struct obfs_conf conf, const void *wire,
                             size_t wire_len, const char *plain)
{
    const uint8_t *bytes = wire;
    struct end end;
    for (size_t cut = 0; cut <= wire_len; cut++) {
        end_open(&end, codec, conf, 1);
        (void)end_feed(&end, SSP_UNWRAP, bytes, cut);
        ssp_verdict verdict = end_finish(&end, SSP_UNWRAP, bytes + cut, wire_len - cut);
        assert_int_equal(verdict, SSP_END);
        end_says(&end, SSP_UNWRAP, plain, strlen(plain));
        end_close(&end);
    }

    end_open(&end, codec, conf, 1);
    for (size_t i = 0; i < wire_len; i++)
        (void)end_feed(&end, SSP_UNWRAP, bytes + i, 1);
    end_says(&end, SSP_UNWRAP, plain, strlen(plain));
    end_close(&end);
}
