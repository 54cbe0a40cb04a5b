/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/throttle.h"

/* The sessions that wait for the tokens of a bucket.  It lives as long as it has some. */
struct ssp__queue {
    struct ssp__bucket *bucket; /* NULL: it is empty, and to be freed */
    struct ssp__worker *worker;
    struct ssp__wait *first, *last;
    unsigned length;
    bool firing;
    void (*rested)(void *session);
    struct ssp__deadline deadline;
};

struct ssp__wait {
    struct ssp__wait *prev, *next;
    struct ssp__queue *queue;
    struct ssp__session *session;
};

static uint64_t now_of(const struct ssp__worker *w)
{
    return ssp__loop_now_ms(w->loop);
}

static void free_queue(struct ssp__queue *q)
{
    ssp__slab_give(&q->worker->pool.slabs, q, sizeof *q);
}

static void set_deadline(struct ssp__queue *q)
{
    uint64_t now = now_of(q->worker);
    ssp__deadline_set(q->worker->loop, &q->deadline, now + ssp__bucket_wait_ms(q->bucket, now));
}

static void leave(struct ssp__session *s)
{
    struct ssp__wait *wait = s->wait;
    struct ssp__queue *q = wait->queue;
    *(wait->prev != NULL ? &wait->prev->next : &q->first) = wait->next;
    *(wait->next != NULL ? &wait->next->prev : &q->last) = wait->prev;
    q->length--;
    s->wait = NULL;
    ssp__slab_give(&s->worker->pool.slabs, wait, sizeof *wait);
    if (q->first != NULL)
        return;
    q->bucket->queue = NULL;
    q->bucket = NULL;
    ssp__deadline_clear(&q->deadline);
    if (!q->firing)
        free_queue(q);
}

/* Lets the first of the queue go, as many as there are tokens for.  A session that goes on may end
 * others. */
static void fire(void *arg)
{
    struct ssp__queue *q = arg;
    uint64_t room = ssp__bucket_room(q->bucket, now_of(q->worker));
    uint64_t least = ssp__bucket_least(q->bucket), share = room / q->length;
    share = share > least ? share : least;
    q->firing = true;
    for (; q->first != NULL && room > 0; room -= room < share ? room : share) {
        struct ssp__session *s = q->first->session;
        s->grant = share < UINT32_MAX ? (uint32_t)share : UINT32_MAX;
        leave(s);
        q->rested(s);
    }
    q->firing = false;
    if (q->bucket != NULL)
        set_deadline(q);
    else
        free_queue(q);
}

static struct ssp__queue *queue_of(struct ssp__worker *w, struct ssp__bucket *b)
{
    if (b->queue == NULL)
        b->queue = ssp__slab_take(&w->pool.slabs, sizeof *b->queue);
    if (b->queue == NULL || b->queue->bucket != NULL)
        return b->queue;
    b->changed = set_deadline;
    b->queue->bucket = b;
    b->queue->worker = w;
    b->queue->deadline = (struct ssp__deadline){.fire = fire, .arg = b->queue};
    set_deadline(b->queue);
    return b->queue;
}

/* Sessions that wait come first: all but a grant is theirs. */
static uint64_t room_in(const struct ssp__session *s, struct ssp__bucket *b)
{
    uint64_t room = b != NULL ? ssp__bucket_room(b, now_of(s->worker)) : SIZE_MAX;
    return b != NULL && b->queue != NULL && room > s->grant ? s->grant : room;
}

size_t ssp__throttle_room(struct ssp__session *s)
{
    uint64_t own = room_in(s, &s->instance->meter->bucket), user = room_in(s, s->conn.bucket);
    s->starved = own == 0 || user == 0;
    return (size_t)(own < user ? own : user);
}

bool ssp__throttle_wait(struct ssp__session *s, void (*rested)(void *session))
{
    struct ssp__bucket *b = s->conn.bucket;
    s->starved = false;
    if (room_in(s, b) > 0)
        b = &s->instance->meter->bucket;
    if (s->wait != NULL || room_in(s, b) > 0)
        return true;
    struct ssp__wait *wait = ssp__slab_take(&s->worker->pool.slabs, sizeof *wait);
    struct ssp__queue *q = wait != NULL ? queue_of(s->worker, b) : NULL;
    if (q == NULL) {
        ssp__slab_give(&s->worker->pool.slabs, wait, sizeof *wait);
        return false;
    }
    *wait = (struct ssp__wait){.prev = q->last, .queue = q, .session = s};
    *(q->last != NULL ? &q->last->next : &q->first) = wait;
    q->last = wait;
    q->length++;
    q->rested = rested;
    s->wait = wait;
    return true;
}

void ssp__throttle_take(struct ssp__session *s, size_t n)
{
    s->grant -= n < s->grant ? (uint32_t)n : s->grant;
    ssp__bucket_take(&s->instance->meter->bucket, n);
    if (s->conn.bucket != NULL)
        ssp__bucket_take(s->conn.bucket, n);
}

void ssp__throttle_leave(struct ssp__session *s)
{
    if (s->wait != NULL)
        leave(s);
    s->conn.bucket = NULL;
}
