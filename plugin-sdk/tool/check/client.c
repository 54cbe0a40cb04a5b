/* SPDX-License-Identifier: Apache-2.0 */
#include "check/client.h"

#include <stdlib.h>

/* The first burst has come back. */
static void go_on(struct talk *talk)
{
    const struct client *client = (const struct client *)(void *)talk; /* its first member */
    if (talk->say.allowed == NEVER || talk->hear.done < client->order.burst)
        return;
    talk->say.allowed = NEVER;
    talk_update(talk);
}

void client_open(struct client *client, struct scene *scene, uint16_t port,
                 const struct order *order)
{
    *client = (struct client){.order = *order};
    struct talk *talk = &client->talk;
    order_write(order, talk->say.head);
    talk->say.head_len = ORDER_SIZE;
    talk->say.seed = order->seed;
    talk->say.total = order->up;
    talk->say.allowed = order->burst != 0 ? order->burst : NEVER;
    talk->after = go_on;
    talk->say.chunk = order->chunk;
    talk->say.fin = order->when == ORDER_AFTER_FIN;
    talk->hear.seed = order_answer_seed(order);
    talk->hear.total = order->down;
    talk_open(talk, scene, scene_dial(port), true);
}

void client_close(struct client *client)
{
    talk_close(&client->talk);
}

bool client_served(const struct client *client)
{
    const struct talk *talk = &client->talk;
    return talk_said(talk) && talk_heard(talk) &&
           (client->order.close ? talk->end == TALK_EOF : talk->end != TALK_GONE);
}

bool client_settled(void *arg)
{
    const struct client *client = arg;
    const struct talk *talk = &client->talk;
    return client_served(client) || talk->end != TALK_OPEN || talk->hear.wrong_at != NEVER;
}

void crowd_open(struct crowd *crowd, struct scene *scene, uint16_t port, const struct order *order,
                unsigned n)
{
    *crowd = (struct crowd){.client = must_alloc(n, sizeof *crowd->client), .n = n};
    for (unsigned i = 0; i < n; i++) {
        struct order own = *order;
        own.seed += i;
        client_open(&crowd->client[i], scene, port, &own);
    }
}

void crowd_close(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->n; i++)
        client_close(&crowd->client[i]);
    free(crowd->client);
    *crowd = (struct crowd){0};
}

bool crowd_settled(void *arg)
{
    struct crowd *crowd = arg;
    for (unsigned i = 0; i < crowd->n; i++) {
        if (!client_settled(&crowd->client[i]))
            return false;
    }
    return true;
}

unsigned crowd_served(const struct crowd *crowd)
{
    unsigned served = 0;
    for (unsigned i = 0; i < crowd->n; i++)
        served += client_served(&crowd->client[i]);
    return served;
}

const struct client *crowd_unserved(const struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->n; i++) {
        if (!client_served(&crowd->client[i]))
            return &crowd->client[i];
    }
    return NULL;
}
