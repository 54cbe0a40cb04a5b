/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager/capture.h"

#include <ssplugin/log.h>

#include <stddef.h>
#include <stdio.h>

static void take(void *arg, ssp_log_level level, const char *text)
{
    struct ss_capture *capture = arg;
    ssp_log_redirect(NULL, NULL);
    ssp_log(level, "%s", text);
    ssp_log_redirect(take, capture);
    if (level == SSP_LOG_ERROR)
        (void)snprintf(capture->error, sizeof capture->error, "%s", text);
}

void ss_capture_begin(struct ss_capture *capture)
{
    capture->error[0] = '\0';
    ssp_log_redirect(take, capture);
}

void ss_capture_end(void)
{
    ssp_log_redirect(NULL, NULL);
}
