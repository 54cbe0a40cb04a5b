/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes of a plugin on its notify descriptor, in two writes: keys and values are text that a
 * terminal may see, within their limits, and a READY of a line of its own is heard in any flood. */
#include "must.h"

#include "host/report/foreign.h"
#include "host/report/notices.h"

#include <ssplugin/log.h>

#include <fcntl.h>
#include <unistd.h>

enum { INPUT_MAX = 32768, NOW_MS = 1000 };

struct heard {
    unsigned ready;
    struct ssp__foreign foreign;
};

static void must_be_clean(const char *text)
{
    for (; *text != '\0'; text++)
        must((unsigned char)*text >= ' ' && *text != '\x7f');
}

static void hear(void *arg, const char *key, const char *value)
{
    struct heard *heard = arg;
    must(key[0] != '\0' && strlen(key) <= SSP_NOTICE_KEY_MAX && strlen(value) < SSP_NOTICE_MAX);
    must(strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(key));
    must_be_clean(value);
    heard->ready += strcmp(key, "READY") == 0;
    if (strcmp(key, "STATS") == 0)
        ssp__foreign_count(&heard->foreign, "fuzz", value, NOW_MS);
}

static void log_line(void *arg, ssp_log_level level, const char *text)
{
    (void)arg, (void)level;
    must_be_clean(text);
}

static void say(struct ssp__notices *n, const int pipe[2], const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t part = size < SSP_NOTICES_CHUNK ? size : SSP_NOTICES_CHUNK;
        must(write(pipe[1], bytes, part) == (ssize_t)part);
        bytes += part;
        size -= part;
        while (ssp__notices_read(n, pipe[0], NOW_MS) > 0)
            continue;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int pipe[2] = {-1, -1};
    static const char ready[] = "\nREADY=1\n";
    struct heard heard = {.ready = 0};
    struct ssp__notices notices = {.name = "fuzz", .fn = hear, .arg = &heard};
    if (size < 2 || size > INPUT_MAX)
        return 0;
    if (pipe[0] == -1)
        must(pipe2(pipe, O_NONBLOCK | O_CLOEXEC) == 0);
    ssp_log_redirect(log_line, NULL);
    ssp__notices_begin(&notices);
    size_t cut = ((size_t)data[0] << 8 | data[1]) % (size - 1);
    say(&notices, pipe, data + 2, cut < size - 2 ? cut : size - 2);
    say(&notices, pipe, data + 2 + cut, cut < size - 2 ? size - 2 - cut : 0);
    unsigned before = heard.ready;
    say(&notices, pipe, (const uint8_t *)ready, sizeof ready - 1);
    must(heard.ready > before);
    return 0;
}
