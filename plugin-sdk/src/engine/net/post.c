/* SPDX-License-Identifier: Apache-2.0 */
/* post.c - what other threads ask of the thread of a loop. */
#include "net/loop_impl.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>

enum { POSTS_PER_TURN = 64 };

void ssp_loop_wake(ssp_loop *loop)
{
    int error = errno;
    (void)eventfd_write(loop->wake_fd, 1);
    errno = error;
}

void ssp__loop_post(ssp_loop *loop, struct ssp__post *post)
{
    (void)pthread_mutex_lock(&loop->posts.lock);
    bool first = loop->posts.first == NULL, fresh = !post->queued;
    if (fresh) {
        post->queued = true;
        post->next = NULL;
        *(first ? &loop->posts.first : &loop->posts.last->next) = post;
        loop->posts.last = post;
    }
    (void)pthread_mutex_unlock(&loop->posts.lock);
    if (first && fresh)
        ssp_loop_wake(loop);
}

void ssp__loop_unpost(ssp_loop *loop, struct ssp__post *post)
{
    (void)pthread_mutex_lock(&loop->posts.lock);
    struct ssp__post *before = NULL, *at = loop->posts.first;
    while (at != NULL && at != post) {
        before = at;
        at = at->next;
    }
    if (at != NULL) {
        *(before != NULL ? &before->next : &loop->posts.first) = at->next;
        loop->posts.last = at->next != NULL ? loop->posts.last : before;
        at->queued = false;
    }
    (void)pthread_mutex_unlock(&loop->posts.lock);
}

static struct ssp__post *take(struct ssp__posts *posts, bool *more)
{
    (void)pthread_mutex_lock(&posts->lock);
    struct ssp__post *post = posts->first;
    if (post != NULL) {
        posts->first = post->next;
        post->queued = false;
    }
    *more = posts->first != NULL;
    (void)pthread_mutex_unlock(&posts->lock);
    return post;
}

/* One by one: another thread may take the next one back while this one is in a reaction. */
void ssp__loop_run_posts(ssp_loop *loop)
{
    bool more = true;
    for (int i = 0; i < POSTS_PER_TURN && more; i++) {
        struct ssp__post *post = take(&loop->posts, &more);
        if (post != NULL)
            post->fire(post->arg);
    }
    if (more)
        ssp_loop_wake(loop);
}
