/* SPDX-License-Identifier: Apache-2.0 */
/* Any output of a plugin, in pieces: each log line is one line without a control character and says
 * whose it is; and any last lines of a plugin that ended, with a hint or without.
 *
 * Byte 0: what has ended it, its role and mode.  Byte 1: the status.  Byte 2: the size of a piece.
 */
#include "must.h"

#include "host/report/diagnose.h"
#include "host/report/output.h"

#include <ssplugin/log.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { INPUT_MAX = 16384, PREFACE = 3, NOW_MS = 1000, KINDS = 4, SERVER = 4, UDP = 8, TAKEN = 16 };

#define NAME "obfs-local"

static void log_line(void *arg, ssp_log_level level, const char *text)
{
    (void)arg, (void)level;
    must(strncmp(text, "plugin " NAME "[7]: ", strlen("plugin " NAME "[7]: ")) == 0);
    for (; *text != '\0'; text++)
        must((unsigned char)*text >= ' ' && *text != '\x7f');
}

static void take_line(void *arg, const char *line)
{
    (void)arg;
    must(line[0] != '\0' && strlen(line) <= SSP_OUTPUT_LINE && strchr(line, '\n') == NULL);
}

static void print(struct ssp__output *o, const int pipe[2], const uint8_t *bytes, size_t size,
                  size_t piece)
{
    for (size_t n; size > 0; bytes += n, size -= n) {
        n = size < piece ? size : piece;
        must(write(pipe[1], bytes, n) == (ssize_t)n);
        must(ssp__output_read(o, pipe[0], NOW_MS));
    }
    ssp__output_end(o);
}

static void diagnose(const struct ssp__output *o, unsigned how, int status, const char *options)
{
    const char *line[SSP_OUTPUT_LAST];
    char text[SSP_HINT_MAX];
    struct ssp__diagnose_facts facts = {.kind = (enum ssp__diagnose_kind)(how % KINDS),
                                        .status = status,
                                        .plugin = NAME,
                                        .path = "/nonexistent/" NAME,
                                        .options = options,
                                        .role = how & SERVER ? SSP_SERVER : SSP_CLIENT,
                                        .port = 1984,
                                        .foreign = how & TAKEN ? "another[8]" : NULL,
                                        .lines = line,
                                        .line_count = ssp__output_last(o, line),
                                        .telling = ssp__output_telling(o),
                                        .mode = how & UDP ? SSP_TCP_AND_UDP : SSP_TCP_ONLY};
    const char *hint = ssp__diagnose(&facts, text, sizeof text);
    must(hint == NULL || (hint[0] != '\0' && strlen(hint) < SSP_HINT_MAX));
    must(hint == NULL || hint[strlen(hint) - 1] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int pipe[2] = {-1, -1};
    if (size < PREFACE || size > INPUT_MAX)
        return 0;
    if (pipe[0] == -1)
        must(pipe2(pipe, O_NONBLOCK | O_CLOEXEC) == 0);
    struct ssp__output *o = calloc(1, sizeof *o);
    must(o != NULL);
    o->on_line = take_line;
    ssp_log_redirect(log_line, NULL);
    ssp__output_begin(o, NAME, 7);
    char *options = must_text(data + PREFACE, size - PREFACE);
    print(o, pipe, data + PREFACE, size - PREFACE, 1 + 16 * (size_t)data[2]);
    diagnose(o, data[0], data[1], options);
    free(options);
    free(o);
    return 0;
}
