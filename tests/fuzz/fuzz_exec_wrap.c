/* SPDX-License-Identifier: Apache-2.0 */
/* Any options of exec-wrap, and any command line.  Byte 0: whether the rest is the one or the
 * other, the role, and what the hosts look like.  No crash; what is refused has a reason, what is
 * accepted is complete; words that are quoted again are the same words. */
#include "must.h"

#include "exec-wrap/request.h"

#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096, LINE = 1, SERVER = 2, V6 = 4, PLAIN = 8 };

static void drop(void *arg, ssp_log_level level, const char *text)
{
    (void)arg, (void)level, (void)text;
}

/* As a shell wants it: a quote of the same kind stands between two quoted parts. */
static size_t quote(char *out, const char *word)
{
    char *at = out;
    *at++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            memcpy(at, "'\\'", 3);
            at += 3;
        }
        *at++ = *word;
    }
    *at++ = '\'';
    *at++ = ' ';
    return (size_t)(at - out);
}

static void must_split_again(const struct words *words)
{
    size_t len = 1;
    char why[256];
    struct words again = {.n = 0};
    for (size_t i = 0; i < words->n; i++)
        len += 4 * strlen(words->word[i]) + 3;
    char *line = malloc(len), *at = line;
    must(line != NULL);
    for (size_t i = 0; i < words->n; i++)
        at += quote(at, words->word[i]);
    *at = '\0';
    must(words_split(&again, line, NULL, NULL, why, sizeof why) == 0 && again.n == words->n);
    for (size_t i = 0; i < words->n; i++)
        must(strcmp(again.word[i], words->word[i]) == 0);
    words_release(&again);
    free(line);
}

static void split(const char *line, const char *host, int plain)
{
    const struct words_place place = {host, "443"};
    struct words words = {.n = 0};
    char why[256] = "";
    int rc =
        words_split(&words, line, plain ? NULL : &place, plain ? NULL : &place, why, sizeof why);
    must(rc == 0 ? words.n > 0 && words.word[words.n] == NULL : why[0] != '\0');
    if (rc == 0)
        must_split_again(&words);
    words_release(&words);
}

static void read_options(const char *options, const char *host, ssp_role role)
{
    const ssp_env env = {.role = role,
                         .local_host = "127.0.0.1",
                         .local_port = "1984",
                         .remote_host = host,
                         .remote_port = "443",
                         .options = options,
                         .notify_fd = -1};
    struct request request;
    char why[256] = "";
    int status = request_read(&request, &env, "exec-wrap", why, sizeof why);
    must(status == 0 || (status == SSP_EXIT_CONFIG && why[0] != '\0'));
    if (status == 0)
        must(request.words.n > 0 && request.program[0] == '/' && request.start_ms >= 1000);
    request_release(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    char *text = must_text(data + 1, size - 1);
    ssp_log_redirect(drop, NULL);
    const char *host = data[0] & V6 ? "2001:db8::1|192.0.2.1" : "192.0.2.1";
    if (data[0] & LINE)
        split(text, host, data[0] & PLAIN);
    else
        read_options(text, host, data[0] & SERVER ? SSP_SERVER : SSP_ROLE_UNKNOWN);
    free(text);
    return 0;
}
