/* SPDX-License-Identifier: Apache-2.0 */
#include "app/access_log.h"

#include "app/access_line.h"
#include "app/instance.h"
#include "app/traffic.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* Lines of a moment are written together. */
enum {
    BUFFER = 1 << 20,
    FILE_MODE = 0600,
    GATHER_MS = 50,
    STALL_MS = 1000 /* of standard output, and then its lines are lost */
};

enum place { TO_FILE, TO_STDOUT, TO_SYSLOG };

struct lines {
    char *text;
    size_t len;
    uint64_t n;
};

struct ss_access_log {
    const char *path; /* borrowed */
    enum place place;
    struct ss_access_style style;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    struct lines waiting;
    struct ss_access_counts counts;
    bool crowded, reopen, ends;
    bool crowding; /* lines find no room; told once, as crowded */

    /* The thread's. */
    struct lines written;
    int fd;
    bool failing; /* the last line was lost */
    bool torn;    /* the file ends within a line */
};

/* ---- the file ---- */

/* Returns a descriptor, or -1 with a word in why. */
static int open_file(const char *path, const char **why)
{
    struct stat st;
    int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FILE_MODE);
    if (fd == -1) {
        *why = strerror(errno);
        return -1;
    }
    if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
        return fd;
    *why = "it is no file";
    (void)close(fd);
    return -1;
}

/* The old one is kept when that fails. */
static void open_again(struct ss_access_log *l)
{
    const char *why;
    if (l->place != TO_FILE)
        return;
    int fd = open_file(l->path, &why);
    if (fd == -1) {
        ssp_error("access_log %s cannot be opened again, the file of before stays in use: %s",
                  l->path, why);
        return;
    }
    (void)close(l->fd);
    l->fd = fd;
    l->torn = false;
}

/* A pipe takes one piece when poll() says so, without waiting for its reader. */
static bool takes_more(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    int n;
    do
        n = poll(&one, 1, STALL_MS);
    while (n == -1 && errno == EINTR);
    if (n == 0)
        errno = EAGAIN;
    return n > 0;
}

/* Returns how many bytes the place has taken; fewer with errno. */
static size_t write_all(const struct ss_access_log *l, const char *text, size_t len)
{
    const bool file = l->place == TO_FILE;
    size_t done = 0;
    while (done < len && (file || takes_more(l->fd))) {
        size_t left = len - done;
        ssize_t n = write(l->fd, text + done, file || left < PIPE_BUF ? left : PIPE_BUF);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t n = 0;
    for (const char *p = text, *end = text + len;
         p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

static void to_syslog(const struct lines *lines)
{
    const char *end = lines->text + lines->len;
    for (const char *p = lines->text; p < end; p++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        syslog(LOG_INFO, "access: %.*s", (int)(stop - p), p);
        p = stop;
    }
}

/* ---- the thread ---- */

static void lose(struct ss_access_log *l, uint64_t n, int error)
{
    const char *why = error == EAGAIN ? "its reader takes no more" : strerror(error);
    (void)pthread_mutex_lock(&l->lock);
    l->counts.lost += n;
    (void)pthread_mutex_unlock(&l->lock);
    if (!l->failing)
        ssp_error("access_log %s: %s: lines are lost until that is over", l->path, why);
    l->failing = true;
}

static void write_lines(struct ss_access_log *l)
{
    const struct lines *w = &l->written;
    if (l->place == TO_SYSLOG) {
        to_syslog(w);
        return;
    }
    if (l->torn && write_all(l, "\n", 1) == 0) {
        lose(l, w->n, errno);
        return;
    }
    l->torn = false;
    size_t done = write_all(l, w->text, w->len);
    if (done < w->len) {
        int error = errno;
        l->torn = done > 0 && w->text[done - 1] != '\n';
        lose(l, w->n - count_lines(w->text, done), error);
        return;
    }
    if (l->failing)
        ssp_info("access_log %s: lines are written again; lost in all: %" PRIu64, l->path,
                 ss_access_log_counts(l).lost);
    l->failing = false;
}

static void tell_crowd(const struct ss_access_log *l)
{
    ssp_error("access_log %s: it is written too slowly: lines are lost", l->path);
}

/* The lock is held before and after. */
static void gather(struct ss_access_log *l)
{
    (void)pthread_mutex_unlock(&l->lock);
    (void)poll(NULL, 0, GATHER_MS);
    (void)pthread_mutex_lock(&l->lock);
}

static void *work(void *arg)
{
    struct ss_access_log *l = arg;
    bool ends = false;
    while (!ends) {
        (void)pthread_mutex_lock(&l->lock);
        while (l->waiting.len == 0 && !l->reopen && !l->ends)
            (void)pthread_cond_wait(&l->more, &l->lock);
        if (!l->reopen && !l->ends)
            gather(l);
        struct lines full = l->waiting;
        l->waiting = (struct lines){.text = l->written.text};
        l->written = full;
        bool again = l->reopen, crowded = l->crowded;
        ends = l->ends;
        l->reopen = l->crowded = false;
        l->crowding = l->crowding && full.len > BUFFER / 2;
        (void)pthread_mutex_unlock(&l->lock);
        if (full.len > 0)
            write_lines(l);
        if (again)
            open_again(l);
        if (crowded)
            tell_crowd(l);
    }
    return NULL;
}

/* ---- the loop's side ---- */

static enum place place_of(const char *path)
{
    return strcmp(path, "-") == 0 ? TO_STDOUT : strcmp(path, "syslog") == 0 ? TO_SYSLOG : TO_FILE;
}

int ss_access_log_open(struct ss_access_log **log, const struct ss_conf *c)
{
    *log = NULL;
    if (c->access_log == NULL)
        return 0;
    struct ss_access_log *l = calloc(1, sizeof *l);
    if (l != NULL) {
        *l = (struct ss_access_log){.path = c->access_log,
                                    .place = place_of(c->access_log),
                                    .style = {.json = c->access_log_json},
                                    .fd = -1};
        l->waiting.text = malloc(BUFFER);
        l->written.text = malloc(BUFFER);
        (void)pthread_mutex_init(&l->lock, NULL);
        (void)pthread_cond_init(&l->more, NULL);
        l->style.targets =
            c->access_log_targets == NULL || strcmp(c->access_log_targets, "none") != 0;
        if (c->access_log_clients != NULL)
            (void)ss_told_read(&l->style.clients, c->access_log_clients);
    }
    *log = l;
    if (l != NULL && l->waiting.text != NULL && l->written.text != NULL)
        return 0;
    ssp_error("access_log: out of memory");
    return -1;
}

int ss_access_log_begin(struct ss_access_log *l)
{
    const char *why = NULL;
    if (l == NULL)
        return 0;
    if (l->place == TO_FILE)
        l->fd = open_file(l->path, &why);
    else if (l->place == TO_STDOUT && (l->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) == -1)
        why = strerror(errno);
    int error = why == NULL ? ssp__thread_start(&l->thread, work, l) : 0;
    l->runs = why == NULL && error == 0;
    if (error != 0)
        why = strerror(error);
    if (why == NULL)
        return 0;
    ssp_error("access_log %s: %s (expected an absolute path in a directory where the user of this "
              "program may write)",
              l->path, why);
    return -1;
}

void ss_access_log_reopen(struct ss_access_log *l)
{
    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->reopen = true;
    (void)pthread_cond_signal(&l->more);
    (void)pthread_mutex_unlock(&l->lock);
}

static void append(struct ss_access_log *l, const char *line, size_t len)
{
    (void)pthread_mutex_lock(&l->lock);
    struct lines *w = &l->waiting;
    bool first = w->len == 0, fits = len <= BUFFER - w->len;
    if (fits) {
        memcpy(w->text + w->len, line, len);
        w->len += len;
        w->n++;
    } else {
        l->crowded = l->crowded || !l->crowding;
        l->crowding = true;
        l->counts.lost++;
    }
    l->counts.lines++;
    if (first)
        (void)pthread_cond_signal(&l->more);
    (void)pthread_mutex_unlock(&l->lock);
}

void ss_access_log_note(void *arg, const struct ssp__access_record *record)
{
    const struct ss_instance *i = arg;
    struct ss_access_log *l = i->process->access_log;
    struct timespec now;
    char line[SS_ACCESS_LINE_MAX];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    append(l, line, ss_access_line(line, &l->style, record, ss_traffic_port(i), &now));
}

struct ss_access_counts ss_access_log_counts(struct ss_access_log *l)
{
    (void)pthread_mutex_lock(&l->lock);
    struct ss_access_counts counts = l->counts;
    (void)pthread_mutex_unlock(&l->lock);
    return counts;
}

void ss_access_log_close(struct ss_access_log *l)
{
    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->ends = true;
    (void)pthread_cond_signal(&l->more);
    (void)pthread_mutex_unlock(&l->lock);
    if (l->runs)
        (void)pthread_join(l->thread, NULL);
    if (l->fd != -1)
        (void)close(l->fd);
    free(l->waiting.text);
    free(l->written.text);
    (void)pthread_cond_destroy(&l->more);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}
