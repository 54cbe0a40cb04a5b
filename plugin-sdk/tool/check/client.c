/* SPDX-License-Identifier: Apache-2.0 */
#include "check/client.h"

#include <stdlib.h>

/* The first burst has come back. */
static void go_on(struct stream *stream)
{
    const struct client *client = (const struct client *)(void *)stream; /* its first member */
    if (stream->say.allowed == NEVER || stream->hear.done < client->order.burst)
        return;
    stream->say.allowed = NEVER;
    stream_update(stream);
}

void client_open(struct client *client, struct scene *scene, uint16_t port,
                 const struct order *order)
{
    *client = (struct client){.order = *order};
    struct stream *stream = &client->stream;
    order_write(order, stream->say.head);
    stream->say.head_len = ORDER_SIZE;
    stream->say.seed = order->seed;
    stream->say.total = order->up;
    stream->say.allowed = order->burst != 0 ? order->burst : NEVER;
    stream->after = go_on;
    stream->say.chunk = order->chunk;
    stream->say.fin = order->when == ORDER_AFTER_FIN;
    stream->hear.seed = order_answer_seed(order);
    stream->hear.total = order->down;
    stream_open(stream, scene, scene_dial(port), true);
}

void client_close(struct client *client)
{
    stream_close(&client->stream);
}

bool client_served(const struct client *client)
{
    const struct stream *stream = &client->stream;
    return stream_said(stream) && stream_heard(stream) &&
           (client->order.close ? stream->end == STREAM_EOF : stream->end != STREAM_GONE);
}

bool client_settled(void *arg)
{
    const struct client *client = arg;
    const struct stream *stream = &client->stream;
    return client_served(client) || stream->end != STREAM_OPEN || stream->hear.wrong_at != NEVER;
}

void clients_open(struct clients *clients, struct scene *scene, uint16_t port,
                  const struct order *order, unsigned n)
{
    *clients = (struct clients){.client = must_alloc(n, sizeof *clients->client), .n = n};
    for (unsigned i = 0; i < n; i++) {
        struct order own = *order;
        own.seed += i;
        client_open(&clients->client[i], scene, port, &own);
    }
}

void clients_close(struct clients *clients)
{
    for (unsigned i = 0; i < clients->n; i++)
        client_close(&clients->client[i]);
    free(clients->client);
    *clients = (struct clients){0};
}

bool clients_settled(void *arg)
{
    struct clients *clients = arg;
    for (unsigned i = 0; i < clients->n; i++) {
        if (!client_settled(&clients->client[i]))
            return false;
    }
    return true;
}

unsigned clients_served(const struct clients *clients)
{
    unsigned served = 0;
    for (unsigned i = 0; i < clients->n; i++)
        served += client_served(&clients->client[i]);
    return served;
}

const struct client *clients_unserved(const struct clients *clients)
{
    for (unsigned i = 0; i < clients->n; i++) {
        if (!client_served(&clients->client[i]))
            return &clients->client[i];
    }
    return NULL;
}
