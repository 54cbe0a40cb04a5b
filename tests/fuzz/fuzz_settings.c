/* SPDX-License-Identifier: Apache-2.0 */
/* Any SS_PLUGIN_OPTIONS for a codec with an option of each type: refused with a reason, or each
 * value is of its type and survives the text.  Byte 0: the role. */
#include "must.h"

#include "base/address.h"
#include "options/settings.h"

#include <ssplugin/env.h>

#include <stddef.h>

enum { INPUT_MAX = 4096, CHOICES = 3 };

struct values {
    const char *text, *address, *file, *secret;
    int flag, number, choice;
};

#define ROW(field, kind, ...)                                                                      \
    {                                                                                              \
        .name = #field, .type = kind, .offset = offsetof(struct values, field), .help = "a value", \
        __VA_ARGS__                                                                                \
    }

static const ssp_option rows[] = {
    ROW(text, SSP_TEXT, .dflt = "text"),
    ROW(address, SSP_ADDRESS),
    ROW(file, SSP_FILE, .flags = SSP_FOR_SERVER),
    ROW(secret, SSP_TEXT, .flags = SSP_SECRET),
    ROW(flag, SSP_FLAG),
    ROW(number, SSP_INT, .dflt = "7"),
    ROW(choice, SSP_CHOICE, .choices = "one|two|three"),
    SSP_OPTION_END,
};

static const ssp_codec codec = {
    .size = sizeof codec, .name = "fuzz", .options = rows, .conf_size = sizeof(struct values)};

static void must_be_typed(const struct values *v)
{
    struct ssp__endpoint e;
    must(v->flag == 0 || v->flag == 1);
    must(v->number >= 0 && v->choice >= 0 && v->choice < CHOICES);
    must(v->address == NULL || ssp__endpoint_parse(&e, v->address, 0) == 0);
    must(v->text != NULL && strlen(v->text) <= INPUT_MAX);
}

static void note(void *arg, const char *key)
{
    unsigned *unknown = arg;
    must(key[0] != '\0');
    (*unknown)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ssp_codec *const codecs[] = {&codec};
    struct ssp__settings settings = {.layers = 0};
    char why[256] = "";
    unsigned unknown = 0;
    if (size < 1 || size > INPUT_MAX)
        return 0;
    char *text = must_text(data + 1, size - 1);
    const ssp_env env = {.role = data[0] & 1 ? SSP_SERVER : SSP_CLIENT,
                         .local_host = "127.0.0.1",
                         .local_port = "1984",
                         .remote_host = "192.0.2.1",
                         .remote_port = "443",
                         .options = text,
                         .notify_fd = -1};
    must(ssp__settings_init(&settings, codecs, 1, why, sizeof why) == 0);
    int rc = ssp__settings_parse(&settings, text, note, &unknown, why, sizeof why);
    if (rc == 0)
        rc = ssp__settings_finish(&settings, &env, why, sizeof why);
    must(rc == 0 || (rc == -1 && why[0] != '\0'));
    if (rc == 0)
        must_be_typed(settings.layer[0].conf);
    ssp__settings_release(&settings);
    free(text);
    return 0;
}
