/* SPDX-License-Identifier: Apache-2.0 */
#include "app/salts.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    REMEMBERED_S = 60,
    CLOCK_S = 30, /* clocks may differ by so much */
    BOOT_S = 2,   /* the time of the machine's start may */
    CHECK_LEN = 16,
    BLOCK = 1024 /* records that are read at once */
};

/* None crosses a page, so that none is written in part. */
struct record {
    struct ss_recent_kept kept;
    uint64_t lap; /* grows with each half that is begun; the first is 1 */
    uint8_t check[CHECK_LEN];
};

struct head {
    uint64_t magic; /* also of the order of bytes */
    int64_t boot;   /* when the machine was started */
    int64_t floor;  /* messages up to that time are not all in the file */
    uint8_t rest[24];
    uint8_t check[CHECK_LEN];
};

_Static_assert(sizeof(struct record) == 64, "a page is full of whole records");
_Static_assert(sizeof(struct head) == sizeof(struct record), "records follow the head");

static const uint64_t magic = UINT64_C(0x3173746c61737373);

struct half {
    uint64_t lap; /* 0: it is empty */
    size_t count;
    int64_t began;            /* when its first record was seen */
    int64_t stamp;            /* the latest of its records */
    uint8_t first[CHECK_LEN]; /* of its first record */
};

struct ss_salts {
    struct ss_recent_keeper keeper;
    pthread_mutex_t lock; /* guards what follows */
    char *path;
    int fd;       /* -1: not open yet */
    bool owner;   /* it writes */
    bool fails;   /* the file is of no use, or has been left: it is not touched */
    uint64_t era; /* the number behind the last record that another owner wrote */
    struct head head;
    struct half half[2];
    unsigned current; /* the half that is written */
};

/* ---- parts of the file ---- */

static off_t place(unsigned half, size_t number)
{
    size_t records = 1 + (size_t)half * SS_SALTS_HALF + number;
    return (off_t)(records * sizeof(struct record));
}

static void check_of(const void *part, uint8_t check[CHECK_LEN])
{
    (void)crypto_generichash(check, CHECK_LEN, part, sizeof(struct record) - CHECK_LEN, NULL, 0);
}

static bool is_whole(const void *part, const uint8_t check[CHECK_LEN])
{
    uint8_t expected[CHECK_LEN];
    check_of(part, expected);
    return memcmp(expected, check, CHECK_LEN) == 0;
}

static int put(const struct ss_salts *s, const void *part, off_t at)
{
    ssize_t n;
    while ((n = pwrite(s->fd, part, sizeof(struct record), at)) == -1 && errno == EINTR)
        continue;
    if (n >= 0 && n != (ssize_t)sizeof(struct record))
        errno = ENOSPC;
    return n == (ssize_t)sizeof(struct record) ? 0 : -1;
}

static int put_head(struct ss_salts *s)
{
    check_of(&s->head, s->head.check);
    return put(s, &s->head, 0);
}

/* The rest of the program goes on.  The file must not be taken for a whole one at the next start.
 */
static void give_up(struct ss_salts *s, const char *what)
{
    ssp_error(
        "%s: %s: %s (until this is mended, a recording of the half minute before a restart may "
        "be taken once more)",
        s->path, what, strerror(errno));
    s->fails = true;
    s->head.boot = INT64_MIN;
    if (s->owner)
        (void)put_head(s);
}

/* ---- reading ---- */

static size_t read_block(const struct ss_salts *s, struct record *block, off_t at)
{
    ssize_t n = pread(s->fd, block, BLOCK * sizeof *block, at);
    return n > 0 ? (size_t)n / sizeof *block : 0;
}

/* Records have numbers in the order of their writing. */
static uint64_t number_of(const struct half *h, size_t at)
{
    return h->lap * SS_SALTS_HALF + at;
}

/* The records of a ring, from a number on. */
struct wanted {
    uint64_t ring, since;
    struct ss_recent *recent;
    int64_t now;
};

static void restore_half(const struct ss_salts *s, unsigned half, const struct wanted *w)
{
    struct record block[BLOCK];
    const struct half *h = &s->half[half];
    uint64_t first = number_of(h, 0);
    size_t at = w->since > first ? (size_t)(w->since - first) : 0;
    for (size_t n = 1; at < h->count && n > 0; at += n) {
        n = read_block(s, block, place(half, at));
        for (size_t i = 0; i < n && at + i < h->count; i++) {
            if (block[i].kept.ring == w->ring)
                ss_recent_restore(w->recent, &block[i].kept, w->now);
        }
    }
}

static void admit(struct half *h, const struct record *r)
{
    bool first = h->count++ == 0;
    if (first)
        memcpy(h->first, r->check, sizeof h->first);
    h->lap = r->lap;
    h->began = first ? r->kept.seen : h->began;
    h->stamp = first || r->kept.stamp > h->stamp ? r->kept.stamp : h->stamp;
}

enum found { OF_THE_LAP, THE_END, FOREIGN };

static enum found look(const struct half *h, const struct record *r)
{
    static const struct record none;
    if (memcmp(r, &none, sizeof none) == 0)
        return THE_END;
    if (!is_whole(r, r->check))
        return FOREIGN;
    return h->count == 0 || r->lap == h->lap ? OF_THE_LAP : THE_END;
}

/* Another process has written over the records that are known. */
static bool begun_anew(const struct ss_salts *s, unsigned half)
{
    struct record first;
    return pread(s->fd, &first, sizeof first, place(half, 0)) != (ssize_t)sizeof first ||
           memcmp(first.check, s->half[half].first, CHECK_LEN) != 0;
}

/* Finds the records of the last lap of a half, behind those that are known.  Returns false when
 * something else is there. */
static bool survey(struct ss_salts *s, unsigned half)
{
    struct record block[BLOCK];
    struct half *h = &s->half[half];
    enum found found = OF_THE_LAP;
    size_t n = 1;
    if (h->count > 0 && begun_anew(s, half))
        *h = (struct half){.lap = 0};
    while (n > 0 && found == OF_THE_LAP && h->count < SS_SALTS_HALF) {
        n = read_block(s, block, place(half, h->count));
        for (size_t i = 0; i < n && h->count < SS_SALTS_HALF; i++) {
            if ((found = look(h, &block[i])) != OF_THE_LAP)
                break;
            admit(h, &block[i]);
        }
    }
    return found != FOREIGN;
}

/* Returns false when it is not a file of salts; an empty one is new. */
static bool read_file(struct ss_salts *s)
{
    ssize_t n = pread(s->fd, &s->head, sizeof s->head, 0);
    bool whole =
        n == (ssize_t)sizeof s->head && s->head.magic == magic && is_whole(&s->head, s->head.check);
    if (!whole) {
        s->head = (struct head){.boot = INT64_MIN};
        s->half[0] = s->half[1] = (struct half){.lap = 0};
        return n == 0;
    }
    whole = survey(s, 0);
    whole = survey(s, 1) && whole;
    s->current = s->half[1].lap > s->half[0].lap;
    return whole;
}

/* systemd hides where the kernel tells of its start. */
static int64_t boot_time(void)
{
    struct timespec up = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_BOOTTIME, &up);
    return (int64_t)time(NULL) - (int64_t)up.tv_sec;
}

static bool is_near(int64_t a, int64_t b)
{
    return (a < b ? b - a : a - b) <= BOOT_S;
}

/* A clock that was ahead has left times that would refuse everything now. */
static int64_t floor_of(const struct ss_salts *s, int64_t now)
{
    int64_t floor = s->head.floor <= now + CLOCK_S ? s->head.floor : now - 1;
    bool complete = s->head.boot != INT64_MIN && is_near(s->head.boot, boot_time());
    return complete || floor > now - 1 ? floor : now - 1;
}

/* ---- its owner ---- */

/* Only one process writes.  Its lock ends with it, and no child has it. */
static bool lock_file(const struct ss_salts *s)
{
    const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(s->fd, F_SETLK, &lock) == 0;
}

static void own(struct ss_salts *s, int64_t now)
{
    s->owner = true;
    s->half[0] = s->half[1] = (struct half){.lap = 0};
    if (!read_file(s)) {
        ssp_error("%s: not a file of salts, or a damaged one: it is made anew", s->path);
        s->head = (struct head){.boot = INT64_MIN};
        s->half[0] = s->half[1] = (struct half){.lap = 0};
        if (ftruncate(s->fd, 0) == -1) {
            give_up(s, "cannot be emptied");
            return;
        }
    }
    s->head.floor = floor_of(s, now);
    s->head.boot = boot_time();
    s->head.magic = magic;
    if (put_head(s) == -1)
        give_up(s, "cannot be written");
}

/* Another link to it could be the file of another program. */
static int open_file(struct ss_salts *s)
{
    struct stat status;
    int fd = open(s->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd == -1)
        return -1;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1) {
        s->fd = fd;
        return 0;
    }
    (void)close(fd);
    errno = EINVAL;
    return -1;
}

static void start_file(struct ss_salts *s, int64_t now)
{
    if (open_file(s) == -1)
        give_up(s, "cannot be used");
    else if (lock_file(s))
        own(s, now);
    else
        ssp_info("%s: another process has it, whose salts are read until it ends", s->path);
}

/* ---- the keeper ---- */

/* The other half has nothing of the last minute, or this one is full. */
static int turn(struct ss_salts *s)
{
    const uint64_t lap = s->half[s->current].lap;
    struct half *other = &s->half[!s->current];
    if (other->count > 0 && other->stamp > s->head.floor) {
        s->head.floor = other->stamp;
        if (put_head(s) == -1)
            return -1;
    }
    *other = (struct half){.lap = lap + 1};
    s->current = !s->current;
    return 0;
}

static int append(struct ss_salts *s, const struct ss_recent_kept *kept)
{
    struct half *h = &s->half[s->current];
    bool over = h->count > 0 && kept->seen - h->began > REMEMBERED_S;
    if ((over || h->count == SS_SALTS_HALF) && turn(s) == -1)
        return -1;
    h = &s->half[s->current];
    struct record r = {.kept = *kept, .lap = h->lap > 0 ? h->lap : 1};
    check_of(&r, r.check);
    if (put(s, &r, place(s->current, h->count)) == -1)
        return -1;
    admit(h, &r);
    return 0;
}

/* Another process has the file: what it has written since, or the file itself once it ends. */
static void look_again(struct ss_salts *s, int64_t now)
{
    uint64_t before = s->era;
    bool owns = lock_file(s);
    if (owns)
        own(s, now);
    else
        (void)read_file(s); /* its last record may be half written */
    s->era = number_of(&s->half[s->current], s->half[s->current].count);
    if (owns)
        s->era = (s->era > before ? s->era : before) + 1;
}

static uint64_t era(void *arg, int64_t now)
{
    struct ss_salts *s = arg;
    (void)pthread_mutex_lock(&s->lock);
    if (s->fd == -1 && !s->fails)
        start_file(s, now);
    if (!s->owner && !s->fails)
        look_again(s, now);
    uint64_t era = s->era;
    (void)pthread_mutex_unlock(&s->lock);
    return era;
}

static bool keep(void *arg, const struct ss_recent_kept *kept)
{
    struct ss_salts *s = arg;
    (void)pthread_mutex_lock(&s->lock);
    if (s->owner && !s->fails && append(s, kept) == -1)
        give_up(s, "cannot be written");
    bool writes = s->owner && !s->fails;
    (void)pthread_mutex_unlock(&s->lock);
    return writes;
}

/* Without the file, what was written before this second is refused. */
static int64_t load(void *arg, uint64_t ring, uint64_t since, struct ss_recent *recent, int64_t now)
{
    struct ss_salts *s = arg;
    int64_t floor = now - 1;
    (void)pthread_mutex_lock(&s->lock);
    const struct wanted wanted = {ring, since <= s->era ? since : 0, recent, now};
    if (!s->fails) {
        restore_half(s, !s->current, &wanted);
        restore_half(s, s->current, &wanted);
        floor = floor_of(s, now);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return floor;
}

/* ---- its life ---- */

struct ss_salts *ss_salts_new(const char *directory, const char *name)
{
    struct ss_salts *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->fd = -1;
    s->keeper = (struct ss_recent_keeper){.era = era, .keep = keep, .load = load, .arg = s};
    if (asprintf(&s->path, "%s/%s", directory, name) == -1) {
        free(s);
        return NULL;
    }
    if (pthread_mutex_init(&s->lock, NULL) == 0)
        return s;
    free(s->path);
    free(s);
    return NULL;
}

/* The first one that systemd names. */
static char *directory_of_service(void)
{
    const char *given = getenv("STATE_DIRECTORY");
    return given != NULL && *given == '/' ? strndup(given, strcspn(given, ":")) : NULL;
}

int ss_salts_open(struct ss_salts **salts, const struct ss_conf *c)
{
    const struct ss_conf *first = c->instances > 0 ? &c->instance[0] : c;
    char name[24];
    (void)snprintf(name, sizeof name, "salts-%u", first->server[0].port);
    char *service = c->state_dir == NULL ? directory_of_service() : NULL;
    const char *directory = c->state_dir != NULL ? c->state_dir : service;
    struct stat status;
    *salts = NULL;
    if (directory == NULL)
        return 0;
    if (c->state_dir != NULL && stat(c->state_dir, &status) == -1) {
        ssp_error("state_dir %s: %s: make it, or name another one", directory, strerror(errno));
        return -1;
    }
    *salts = ss_salts_new(directory, name);
    free(service);
    if (*salts != NULL)
        return 0;
    ssp_error("start: out of memory");
    return -1;
}

const struct ss_recent_keeper *ss_salts_keeper(const struct ss_salts *s)
{
    return s != NULL ? &s->keeper : NULL;
}

void ss_salts_leave(struct ss_salts *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    if (s->fd != -1)
        (void)close(s->fd);
    s->fd = -1;
    s->owner = false;
    s->fails = true;
    (void)pthread_mutex_unlock(&s->lock);
}

void ss_salts_close(struct ss_salts *s)
{
    if (s == NULL)
        return;
    ss_salts_leave(s);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}
