/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a process of this machine may send to the extended port.  Byte 0: whether a good
 * handshake stands before it; byte 1: where it is cut.  The cut changes nothing. */
#include "must.h"

#include "pt-wrap/orport.h"

#include <ssplugin/drive.h>

#include <string.h>

/* Cookie and nonces are zero, as a world of NULL has it. */
static const uint8_t handshake[1 + PT_NONCE + PT_HASH] = {[0] = 1, [1 + PT_NONCE] = 0x0f,
                                                          0x36,    0x8b,
                                                          0x1b,    0xee,
                                                          0x24,    0xaa,
                                                          0xbc,    0x54,
                                                          0xa9,    0x11,
                                                          0x4c,    0xe0,
                                                          0x6c,    0x07,
                                                          0x0f,    0x3e,
                                                          0xd9,    0x9d,
                                                          0x0d,    0x36,
                                                          0x8f,    0x59,
                                                          0x9c,    0xcc,
                                                          0x6d,    0xfd,
                                                          0xc8,    0xbf,
                                                          0x45,    0x7a,
                                                          0x62};

static ssp_drive *start(const ssp_conf *conf, int shaken)
{
    ssp_drive *drive = ssp_drive_new(&pt_orport, SSP_CLIENT, ssp_conf_values(conf), NULL);
    must(drive != NULL);
    if (shaken)
        must(ssp_drive_feed(drive, SSP_WRAP, handshake, sizeof handshake, 0) == SSP_MORE);
    return drive;
}

static void must_be_same(const ssp_drive *a, const ssp_drive *b, ssp_dir dir)
{
    size_t n, m;
    const uint8_t *x = ssp_drive_output(a, dir, &n), *y = ssp_drive_output(b, dir, &m);
    must(n == m && (n == 0 || memcmp(x, y, n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ssp_conf *conf;
    char why[128];
    if (conf == NULL)
        conf = ssp_conf_new(&pt_orport, SSP_CLIENT,
                            "cookie="
                            "0000000000000000000000000000000000000000000000000000000000000000;"
                            "public=127.0.0.1:443;proxy-protocol",
                            why, sizeof why);
    must(conf != NULL);
    if (size < 2)
        return 0;
    ssp_drive *whole = start(conf, data[0] & 1), *split = start(conf, data[0] & 1);
    const uint8_t *sent = data + 2;
    size_t n = size - 2, cut = n > 0 ? data[1] % (n + 1) : 0;
    ssp_verdict a = ssp_drive_feed(whole, SSP_WRAP, sent, n, 1);
    (void)ssp_drive_feed(split, SSP_WRAP, sent, cut, 0);
    ssp_verdict b = ssp_drive_feed(split, SSP_WRAP, sent + cut, n - cut, 1);
    must(a == b);
    must(ssp_drive_broken_rule(whole) == NULL && ssp_drive_broken_rule(split) == NULL);
    must_be_same(whole, split, SSP_WRAP);
    must_be_same(whole, split, SSP_UNWRAP);
    ssp_drive_free(whole);
    ssp_drive_free(split);
    return 0;
}
