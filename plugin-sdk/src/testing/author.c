/* SPDX-License-Identifier: Apache-2.0 */
/* author.c - the laws as one line of a test, and both ends of a codec under a fuzzer. */
#include <ssplugin/testing.h>

#include "testing/chance.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 256 };

static ssp_conf *make(const ssp_codec *codec, ssp_role role, const char *options, char *why)
{
    char reason[WHY_MAX] = "";
    ssp_conf *conf = ssp_conf_new(codec, role, options, reason, sizeof reason);
    if (conf == NULL)
        (void)snprintf(why, WHY_MAX, "the %s's options are refused: %.200s",
                       role == SSP_CLIENT ? "client" : "server", reason);
    return conf;
}

int ssp_laws_main(const ssp_codec *codec, const char *client_options, const char *server_options)
{
    char why[WHY_MAX] = "";
    const char *law = why;
    ssp_conf *client = make(codec, SSP_CLIENT, client_options, why);
    ssp_conf *server = client != NULL ? make(codec, SSP_SERVER, server_options, why) : NULL;
    if (client != NULL && server != NULL)
        law = ssp_laws_check(&(ssp_law_subject){.codec = codec,
                                                .client_conf = ssp_conf_values(client),
                                                .server_conf = ssp_conf_values(server)});
    (void)printf("1..1\n%s 1 - %s keeps every law%s%s\n", law == NULL ? "ok" : "not ok",
                 codec->name, law != NULL ? "\n# " : "", law != NULL ? law : "");
    ssp_conf_free(client);
    ssp_conf_free(server);
    return law == NULL ? 0 : 1;
}

/* ---- under a fuzzer ---- */

/* NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): for the life of the process */
static struct {
    const ssp_codec *codec;
    ssp_conf *conf[2];
} fuzzed;
/* NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables) */

static _Noreturn void give_up(const ssp_codec *codec, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", codec->name, why);
    abort();
}

static const ssp_role roles[] = {SSP_CLIENT, SSP_SERVER};

static bool has_role(const ssp_codec *codec, int end)
{
    return (codec->flags & (end == 0 ? SSP_SERVER_ONLY : SSP_CLIENT_ONLY)) == 0;
}

static void prepare(const ssp_codec *codec, const char *options)
{
    char why[WHY_MAX] = "";
    if (fuzzed.codec == codec)
        return;
    fuzzed.codec = codec;
    for (int i = 0; i < 2; i++) {
        if (!has_role(codec, i))
            continue;
        fuzzed.conf[i] = make(codec, roles[i], options, why);
        if (fuzzed.conf[i] == NULL)
            give_up(codec, why);
    }
}

/* Output is drained only at the end, so a direction that amplifies must not fill the memory. */
static void forget_output(ssp_drive *d)
{
    for (int dir = 0; dir < 2; dir++) {
        size_t n;
        (void)ssp_drive_output(d, (ssp_dir)dir, &n);
        ssp_drive_take(d, (ssp_dir)dir, n);
    }
}

/* Each piece begins with a byte: the low six bits are its length, the others its direction and
 * whether it is the last one there.  At an empty piece the timer fires, if one is set. */
static void feed_pieces(ssp_drive *d, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssp_dir dir = *bytes & 0x40 ? SSP_WRAP : SSP_UNWRAP;
        bool fin = (*bytes & 0x80) != 0;
        size_t len = *bytes & 0x3f;
        bytes++;
        n--;
        len = len < n ? len : n;
        if (len == 0 && !fin && ssp_drive_timer(d, dir) >= 0)
            ssp_drive_advance(d, (unsigned)ssp_drive_timer(d, dir));
        (void)ssp_drive_feed(d, dir, bytes, len, fin);
        forget_output(d);
        bytes += len;
        n -= len;
    }
}

static void fuzz_end(int end, size_t window, const uint8_t *bytes, size_t n, bool whole)
{
    struct ssp__chance chance = {.state = 0x9e3779b97f4a7c15};
    const ssp_world world = ssp__chance_world(&chance);
    ssp_drive *d =
        ssp_drive_new(fuzzed.codec, roles[end], ssp_conf_values(fuzzed.conf[end]), &world);
    if (d == NULL)
        give_up(fuzzed.codec, "out of memory");
    ssp_drive_window(d, window);
    if (whole)
        (void)ssp_drive_feed(d, SSP_UNWRAP, bytes, n, 1);
    else
        feed_pieces(d, bytes, n);
    uint8_t out[4096];
    if (whole)
        (void)ssp_drive_datagram(d, SSP_UNWRAP, bytes, n, out, sizeof out);
    const char *rule = ssp_drive_broken_rule(d);
    if (rule != NULL)
        give_up(fuzzed.codec, rule);
    ssp_drive_free(d);
}

void ssp_fuzz_codec(const ssp_codec *codec, const char *options, const uint8_t *bytes, size_t n)
{
    prepare(codec, options);
    for (int end = 0; end < 2; end++) {
        if (!has_role(codec, end))
            continue;
        fuzz_end(end, SSP_WINDOW, bytes, n, true);
        fuzz_end(end, 1, bytes, n, false);
    }
}
