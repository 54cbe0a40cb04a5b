/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - reads the rules, counts the calls, and decides which of them fail. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RULES_MAX = 8 };

struct rule {
    enum fault_call call;
    unsigned long first, times;
    int error;
};

#define FAULT_ROW(call) {.name = #call},
static struct fault_row own[FAULT_CALLS] = {FAULT_ROWS(FAULT_ROW)};
static struct fault_row *row = own; /* or the file, from the constructor on */
static atomic_ulong count[FAULT_CALLS];
static atomic_ulong waits;
static struct rule rules[RULES_MAX];
static unsigned n_rules;
static unsigned long interrupt_every;
static bool ready, one_byte, in_child, children_only, traps;

static void forked(void)
{
    in_child = true;
    for (int i = 0; i < FAULT_CALLS; i++)
        atomic_store(&count[i], 0);
}

static int call_named(const char *name, size_t len)
{
    for (int i = 0; i < FAULT_CALLS; i++) {
        if (strlen(own[i].name) == len && strncmp(own[i].name, name, len) == 0)
            return i;
    }
    (void)fprintf(stderr, "fault: no call is named %.*s\n", (int)len, name);
    _exit(99);
}

static void read_rule(const char *text, size_t len)
{
    if (len == strlen("short") && strncmp(text, "short", len) == 0) {
        one_byte = true;
    } else if (len == strlen("child") && strncmp(text, "child", len) == 0) {
        children_only = true;
    } else if (len == strlen("trap") && strncmp(text, "trap", len) == 0) {
        traps = true;
    } else if (strncmp(text, "eintr:", strlen("eintr:")) == 0) {
        interrupt_every = strtoul(text + strlen("eintr:"), NULL, 10);
    } else if (len > 0 && n_rules < RULES_MAX) {
        struct rule *r = &rules[n_rules++];
        char *end;
        r->call = (enum fault_call)call_named(text, strcspn(text, ":;"));
        r->first = strtoul(text + strcspn(text, ":;") + 1, &end, 10);
        r->error = *end == ':' ? (int)strtol(end + 1, &end, 10) : EIO;
        r->times = *end == ':' ? strtoul(end + 1, &end, 10) : 1;
    }
}

static void map_counts(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd == -1 || ftruncate(fd, sizeof own) == -1)
        return;
    struct fault_row *shared = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (shared == MAP_FAILED)
        return;
    memcpy(shared, own, sizeof own);
    row = shared;
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("FAULT"), *path = getenv("FAULT_COUNTS");
    for (; text != NULL && *text != '\0'; text += strcspn(text, ";"), text += *text == ';')
        read_rule(text, strcspn(text, ";"));
    if (path != NULL)
        map_counts(path);
    (void)pthread_atfork(NULL, NULL, forked);
    for (int i = 0; i < FAULT_CALLS; i++)
        atomic_store(&count[i], 0);
    ready = true;
}

bool fault_hits(enum fault_call call)
{
    if (!ready)
        return false;
    unsigned long n = atomic_fetch_add(&count[call], 1) + 1;
    if (n > row[call].calls[in_child])
        row[call].calls[in_child] = n;
    for (unsigned i = 0; i < n_rules && children_only == in_child; i++) {
        const struct rule *r = &rules[i];
        if (r->call != call || n < r->first || n - r->first >= r->times)
            continue;
        row[call].failed++;
        if (traps)
            (void)raise(SIGTRAP);
        errno = r->error;
        return true;
    }
    return false;
}

bool fault_interrupts(enum fault_call call)
{
    if (fault_hits(call))
        return true;
    bool now = ready && interrupt_every > 0 && children_only == in_child &&
               (atomic_fetch_add(&waits, 1) + 1) % interrupt_every == 0;
    if (now)
        errno = EINTR;
    return now;
}

/* Not the one of this library, which would count it. */
static int option_of(int fd, int option)
{
    static int (*real)(int, int, int, void *, socklen_t *);
    int value = -1, error = errno;
    socklen_t n = sizeof value;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "getsockopt");
    if (real(fd, SOL_SOCKET, option, &value, &n) == -1)
        value = -1;
    errno = error;
    return value;
}

bool fault_is_unix(int fd)
{
    return option_of(fd, SO_DOMAIN) == AF_UNIX;
}

static bool is_stream_socket(int fd, mode_t mode)
{
    return S_ISSOCK(mode) && option_of(fd, SO_TYPE) == SOCK_STREAM;
}

static bool shortens(int fd, mode_t *mode)
{
    struct stat at;
    if (!one_byte || children_only != in_child || fstat(fd, &at) == -1)
        return false;
    *mode = at.st_mode;
    return true;
}

unsigned long fault_read_length(int fd, unsigned long len)
{
    mode_t mode = 0;
    bool one = len > 1 && shortens(fd, &mode) && (S_ISFIFO(mode) || is_stream_socket(fd, mode));
    return one ? 1 : len;
}

unsigned long fault_write_length(int fd, unsigned long len)
{
    mode_t mode = 0;
    return len > 1 && shortens(fd, &mode) && is_stream_socket(fd, mode) ? 1 : len;
}
