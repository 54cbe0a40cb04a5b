/* SPDX-License-Identifier: Apache-2.0 */
#include "app/capture.h"

#include <ssplugin/log.h>

#include <stddef.h>
#include <stdio.h>

static void take(void *arg, ssp_log_level level, const char *text)
{
    struct ss_capture *capture = arg;
    bool error = level == SSP_LOG_ERROR, kept = error && capture->keeps;
    ssp_log_redirect(NULL, NULL);
    if (kept && capture->error[0] != '\0')
        ssp_log(level, "%s", capture->error);
    if (!kept)
        ssp_log(level, "%s", text);
    ssp_log_redirect(take, capture);
    if (error)
        (void)snprintf(capture->error, sizeof capture->error, "%s", text);
}

void ss_capture_begin(struct ss_capture *capture, bool keeps)
{
    *capture = (struct ss_capture){.keeps = keeps};
    ssp_log_redirect(take, capture);
}

void ss_capture_end(void)
{
    ssp_log_redirect(NULL, NULL);
}
