/* SPDX-License-Identifier: Apache-2.0 */
#include "hosted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void became_ready(void *arg)
{
    struct hosted *h = arg;
    h->ready++;
}

static void went_down(void *arg, const char *why)
{
    struct hosted *h = arg;
    (void)why;
    h->downs++;
}

static void died(void *arg, const char *why)
{
    struct hosted *h = arg;
    h->dead = true;
    (void)snprintf(h->why, sizeof h->why, "%s", why);
}

static void said(void *arg, const char *line)
{
    struct hosted *h = arg;
    size_t len = strlen(h->said);
    (void)snprintf(h->said + len, sizeof h->said - len, "%s|", line);
    if (h->declares)
        ssp_host_declare_ready(h->host);
}

struct hosted *hosted_new(const char *const *argv)
{
    struct hosted *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->loop = ssp_loop_new();
    assert_non_null(h->loop);
    h->conf = (ssp_host_conf){.size = sizeof h->conf,
                              .plugin = "/bin/sh",
                              .role = SSP_CLIENT,
                              .remote_host = "192.0.2.1",
                              .remote_port = 9,
                              .local_host = "127.0.0.1",
                              .ready_ms = 20000,
                              .grace_ms = 2000,
                              .on_ready = became_ready,
                              .on_down = went_down,
                              .on_death = died,
                              .arg = h,
                              .argv = argv,
                              .ready = SSP_READY_SAID,
                              .on_line = said};
    return h;
}

void hosted_start(struct hosted *h)
{
    char why[WHY_MAX] = "";
    h->host = ssp_host_start(h->loop, &h->conf, why, sizeof why);
    if (h->host == NULL)
        fail_msg("%s", why);
}

void hosted_free(struct hosted *h)
{
    ssp_host_stop(h->host);
    ssp_loop_free(h->loop);
    free(h);
}
