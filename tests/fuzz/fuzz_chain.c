/* SPDX-License-Identifier: Apache-2.0 */
/* Any options of a chain; byte 0 is the role that its host tells.  No crash; what is refused has a
 * reason, what is accepted has all its stages in processes, and options that can be read again.
 * The same bytes as what a stage tells stay within their room. */
#include "must.h"

#include "chain/notices.h"

#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096 };

static void drop(void *arg, ssp_log_level level, const char *text)
{
    (void)arg, (void)level, (void)text;
}

static int copy(void *arg, const char *key, const char *value)
{
    items_add(arg, key, value);
    return 0;
}

static void must_be_readable(const struct items *items)
{
    struct items again = {.text = NULL};
    int at;
    must(!items->failed);
    if (items->text == NULL)
        return;
    must(items_each(items->text, copy, &again, &at) == 0);
    must(strcmp(items->text, again.text) == 0);
    items_release(&again);
}

static void must_be_complete(const struct stages *stages)
{
    struct processes processes;
    unsigned covered = 0;
    must(processes_make(&processes, stages) == 0 && processes.n > 0);
    for (unsigned i = 0; i < processes.n; i++) {
        must(processes.process[i].first == covered);
        covered += processes.process[i].n;
        must_be_readable(&processes.process[i].options);
    }
    must(covered == stages->n);
    processes_release(&processes);
}

static void read_stages(const char *options, ssp_role told)
{
    static char own[STAGES_PATH_MAX]; /* plays the member of the chain's own program */
    static struct stages stages;
    const ssp_env env = {.role = told, .notify_fd = -1};
    char why[256] = "";
    if (own[0] == '\0')
        must(realpath("/bin/sh", own) != NULL);
    const struct stages_self self = {own, "/nonexistent", 0};
    if (stages_read(&stages, options, &self, why, sizeof why) == 0) {
        must(stages.n > 0 && stages.start_ms >= 1000);
        must_be_complete(&stages);
        must(stages_role(&stages, &env, "chain", why, sizeof why) != SSP_ROLE_UNKNOWN ||
             why[0] != '\0');
    } else {
        must(why[0] != '\0');
    }
    stages_release(&stages);
}

static void tell(const char *value)
{
    struct processes processes = {.n = 2, .process = {[1] = {.first = 1}}};
    struct notices notices = {.processes = &processes};
    struct items items = {.text = NULL};
    char text[1024];
    notices_stats(&notices, 0, value);
    notices_stats(&notices, 1, value);
    must(strlen(notices_compose(&notices, text, sizeof text)) < sizeof text);
    notices_client_options(&items, 2, value);
    if (!items.failed)
        must_be_readable(&items);
    items_release(&items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ssp_role roles[] = {SSP_ROLE_UNKNOWN, SSP_CLIENT, SSP_SERVER};
    if (size < 1 || size > INPUT_MAX)
        return 0;
    char *text = must_text(data + 1, size - 1);
    ssp_log_redirect(drop, NULL);
    read_stages(text, roles[data[0] % 3]);
    tell(text);
    free(text);
    return 0;
}
