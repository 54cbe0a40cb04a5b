/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs_split.h"

#include "must.h"

#include <ssplugin/testing.h>

#include <string.h>

static ssp_drive *start(const ssp_codec *codec, const struct obfs_conf *conf)
{
    ssp_role role = codec == &obfs_local ? SSP_CLIENT : SSP_SERVER;
    ssp_drive *drive = ssp_drive_new(codec, role, conf, NULL);
    must(drive != NULL);
    return drive;
}

static void must_be_same(const ssp_drive *whole, const ssp_drive *split, ssp_dir dir)
{
    size_t a_len, b_len;
    const uint8_t *a = ssp_drive_output(whole, dir, &a_len);
    const uint8_t *b = ssp_drive_output(split, dir, &b_len);
    must(a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0));
}

void obfs_split_changes_nothing(const ssp_codec *codec, const struct obfs_conf *conf,
                                const uint8_t *data, size_t size)
{
    if (size < 2)
        return;
    const uint8_t *sent = data + 2;
    size_t len = size - 2, cut = ((size_t)data[0] << 8 | data[1]) % (len + 1);
    ssp_drive *whole = start(codec, conf), *split = start(codec, conf);

    ssp_verdict a = ssp_drive_feed(whole, SSP_UNWRAP, sent, len, 0);
    (void)ssp_drive_feed(split, SSP_UNWRAP, sent, cut, 0);
    ssp_verdict b = ssp_drive_feed(split, SSP_UNWRAP, sent + cut, len - cut, 0);
    must(a == b);
    a = ssp_drive_feed(whole, SSP_UNWRAP, "", 0, 1);
    b = ssp_drive_feed(split, SSP_UNWRAP, "", 0, 1);
    must(a == b);
    must(ssp_drive_broken_rule(whole) == NULL && ssp_drive_broken_rule(split) == NULL);
    must_be_same(whole, split, SSP_UNWRAP);
    must_be_same(whole, split, SSP_WRAP);

    ssp_drive_free(whole);
    ssp_drive_free(split);
}
