/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strangers' bytes to both ends, before the handshake or behind it.
 *
 * The first byte: bit 0 says who gets them, bit 1 whether hands have been shaken, bit 2 whether the
 * server has a web site.  Two bytes say where they are cut.  Behind a handshake no byte of a
 * stranger may become a plain one; whatever comes, no rule is broken, and what is not said is no
 * end.
 */
#include "arena.h"
#include "must.h"

#include "tls-wrap/tls_wrap.h"

#include <ssplugin/drive.h>

enum { CLIENT, SERVER, PREFACE = 3, SHAKEN = 2, SITE = 4 };

enum { WARM = 1000, KEPT = 2000 }; /* runs, and blocks */

#define FILES "cert=" CERTIFICATES "/cert.pem;key=" CERTIFICATES "/key.pem"
#define TRUST "host=ex.test;ca=" CERTIFICATES "/cert.pem"

/* For the life of the process: making them is slow. */
static const ssp_conf *conf_of(int end, int site)
{
    static ssp_conf *made[3]; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */
    static const char *const options[] = {TRUST, FILES, FILES ";fallback=127.0.0.1:80"};
    int i = end == SERVER && site ? 2 : end;
    char why[256];
    if (made[i] == NULL)
        made[i] = ssp_conf_new(&tls_wrap, i == CLIENT ? SSP_CLIENT : SSP_SERVER, options[i], why,
                               sizeof why);
    must(made[i] != NULL);
    return made[i];
}

static ssp_drive *start(int end, int site)
{
    ssp_drive *d = ssp_drive_new(&tls_wrap, end == CLIENT ? SSP_CLIENT : SSP_SERVER,
                                 ssp_conf_values(conf_of(end, site)), NULL);
    must(d != NULL);
    ssp_drive_window(d, 0); /* the least that the codec works with: large blocks cost page faults */
    must(ssp_drive_feed(d, SSP_WRAP, "", 0, 0) == SSP_MORE);
    return d;
}

/* Returns whether something was carried. */
static int carry(ssp_drive *from, ssp_drive *to)
{
    size_t n;
    const uint8_t *wire = ssp_drive_output(from, SSP_WRAP, &n);
    if (n > 0)
        (void)ssp_drive_feed(to, SSP_UNWRAP, wire, n, 0);
    ssp_drive_take(from, SSP_WRAP, n);
    return n > 0;
}

static void shake_hands(ssp_drive *end[2])
{
    while (carry(end[CLIENT], end[SERVER]) + carry(end[SERVER], end[CLIENT]) > 0)
        continue;
}

/* Each end that the bytes need: a peer is there for the handshake only. */
static void start_ends(ssp_drive *end[2], unsigned how)
{
    unsigned fed = how & 1;
    bool shaken = how & SHAKEN;
    end[CLIENT] = shaken || fed == CLIENT ? start(CLIENT, 0) : NULL;
    end[SERVER] = shaken || fed == SERVER ? start(SERVER, how & SITE) : NULL;
    if (shaken)
        shake_hands(end);
}

static void run(const uint8_t *data, size_t size)
{
    ssp_drive *end[2];
    start_ends(end, data[0]);
    ssp_drive *fed = end[data[0] & 1];
    const uint8_t *sent = data + PREFACE;
    size_t len = size - PREFACE, cut = ((size_t)data[1] << 8 | data[2]) % (len + 1), plain;
    (void)ssp_drive_feed(fed, SSP_UNWRAP, sent, cut, 0);
    (void)ssp_drive_feed(fed, SSP_WRAP, "plain", 5, 0);
    ssp_verdict verdict = ssp_drive_feed(fed, SSP_UNWRAP, sent + cut, len - cut, 1);
    must(verdict != SSP_END);
    (void)ssp_drive_output(fed, SSP_UNWRAP, &plain);
    must(plain == 0);
    must(ssp_drive_broken_rule(fed) == NULL);
    ssp_drive_free(end[CLIENT]);
    ssp_drive_free(end[SERVER]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    arena_serve_openssl();
    return 0;
}

/* OpenSSL keeps a few blocks of the process; a leak of every run has no bound. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static size_t most;
    static unsigned runs;
    if (size < PREFACE)
        return 0;
    run(data, size);
    if (++runs <= WARM)
        most = arena_blocks();
    must(arena_blocks() > 0 && arena_blocks() <= most + KEPT);
    return 0;
}
