/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/crowd.h"

#include <ssplugin/log.h>

#include <stdio.h>

enum {
    FILES = 2,               /* of a session */
    CROWDED_EVERY_MS = 10000 /* a log line */
};

static bool displace(struct ssp__worker *w, void *session)
{
    if (session != NULL)
        w->expire(session);
    return session != NULL;
}

static void log_crowd(struct ssp__worker *w, const struct ssp__service *service, const char *why)
{
    uint64_t now = ssp__loop_now_ms(w->loop);
    if (w->crowded_ms != 0 && now - w->crowded_ms < CROWDED_EVERY_MS)
        return;
    w->crowded_ms = now;
    ssp_info("%s: too many unauthenticated connections %s: the oldest end", service->name, why);
}

const struct ssp__address *ssp__crowd_source(const struct ssp__service *service,
                                             const struct ssp__address *peer)
{
    bool exempt = service->limits.greeting_per_source == 0 && ssp__address_loopback(peer);
    return peer->len == 0 || exempt ? NULL : peer;
}

static void thin_source(struct ssp__worker *w, const struct ssp__service *service,
                        const struct ssp__address *source)
{
    char text[SSP_ADDRESS_TEXT_MAX], why[sizeof text + 8];
    while (displace(
        w, ssp__admission_surplus_of(w->admission, source, service->limits.greeting_per_source))) {
        ssp__address_format(source, text, sizeof text);
        (void)snprintf(why, sizeof why, "from %s", text);
        log_crowd(w, service, why);
    }
}

void ssp__crowd_make_room(struct ssp__worker *w, const struct ssp__service *service,
                          const struct ssp__address *source, int fd)
{
    if (source != NULL)
        thin_source(w, service, source);
    while (displace(w, ssp__admission_surplus(w->admission)))
        log_crowd(w, service, "in all");
    if (!ssp__admission_few_left(w->admission, fd))
        return;
    for (int i = 0; i < FILES && displace(w, ssp__admission_oldest(w->admission)); i++)
        log_crowd(w, service, "for the limit of open files");
}

bool ssp__crowd_thin(struct ssp__worker *w)
{
    bool thinner = false;
    ssp__admission_refused(w->admission);
    for (int i = 0; i < FILES && displace(w, ssp__admission_oldest(w->admission)); i++)
        thinner = true;
    return thinner;
}
