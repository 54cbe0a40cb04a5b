/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notify.h"

#include "host/readiness.h"

#include <ssplugin/log.h>

#include <stdio.h>
#include <string.h>

static void log_status(ssp_host *h, const char *value)
{
    char status[sizeof h->status];
    (void)snprintf(status, sizeof status, "%s", value);
    if (strcmp(status, h->status) == 0)
        return;
    memcpy(h->status, status, sizeof status);
    ssp_info("plugin %s says: %s", h->name, status);
}

/* They are meant for the user and may contain a key: only their length is logged. */
static void log_client_options(ssp_host *h, const char *value)
{
    if (strcmp(value, h->client_options) == 0)
        return;
    (void)snprintf(h->client_options, sizeof h->client_options, "%s", value);
    ssp_info("plugin %s has options for its clients (%zu bytes, not logged)", h->name,
             strlen(value));
}

/* "error text": a line of the plugin with its level. */
static void log_line(ssp_host *h, const char *value)
{
    static const struct {
        const char *word;
        ssp_log_level level;
    } rows[] = {{"error ", SSP_LOG_ERROR}, {"info ", SSP_LOG_INFO}, {"debug ", SSP_LOG_DEBUG}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].word);
        if (strncmp(value, rows[i].word, n) == 0 && value[n] != '\0')
            ssp__output_say(&h->lines, rows[i].level, value + n, ssp__loop_now_ms(h->loop));
    }
}

void ssp__notify_line(void *arg, const char *key, const char *value)
{
    ssp_host *h = arg;
    if (h->state == DEAD)
        return;
    if (strcmp(key, "READY") == 0) {
        /* The guardian has to confirm it.  It is asked once, since a flood of READY would fill its
         * control socket, where the host would block. */
        if (h->state == STARTING && !h->said_ready)
            ssp__guardian_look(&h->guardian);
        h->said_ready = true;
        ssp__readiness_consider(h);
    } else if (strcmp(key, "STATUS") == 0) {
        log_status(h, value);
    } else if (strcmp(key, "CLIENT-OPTIONS") == 0) {
        log_client_options(h, value);
    } else if (strcmp(key, "LOG") == 0) {
        log_line(h, value);
    } else if (strcmp(key, "STATS") == 0) {
        ssp__foreign_count(&h->foreigners, h->name, value, ssp__loop_now_ms(h->loop));
    }
    if (h->conf.on_notify != NULL)
        h->conf.on_notify(h->conf.arg, key, value);
}
