/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakeplugin - a SIP003 plugin that misbehaves as told, and that shares no code with the project.
 *
 * A plain TCP tunnel.  SS_PLUGIN_OPTIONS, or the command line, choose the faults:
 *   server                   listen on SS_REMOTE_* (also with SS_PLUGIN_ROLE=server)
 *   say=TEXT  partial-line  control-chars  long-line=N  flood-stderr=LINES  close-output
 *   exit=N                   leave at once
 *   exit-after=MS,N          leave with status N after so many ms
 *   eaddrinuse=N  counter=F  the first N starts say "address already in use" and leave with 1
 *   fork-and-exit            go on in a child and leave
 *   fork-grandchild          a deaf process in a session of its own keeps all descriptors
 *   never-listen  listen-after=MS  wrong-port  bind-any  steal=HOST:PORT  use-listen-fds
 *   ignore-term  heed-stdin  SIGTERM changes nothing; the end of the input ends it
 *   crash-after-bytes=K  kill-after-bytes=K  stop-self-after-bytes=K
 *   report=FILE              write what the process was given, as JSON, before listening
 *   report                   send it to whoever connects and says REPORT?
 *   touch=FILE               try to create FILE, for the report
 */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LISTEN_FD = 3, FLOOD_LINE = 100, TUNNELS_MAX = 1024, CHUNK = 16384, ORPHAN_MS = 120000 };
static const char question[] = "REPORT?\n";

/* ---- options ---- */

struct faults {
    bool server, partial_line, control_chars, close_output, fork_and_exit, fork_grandchild;
    bool never_listen, wrong_port, bind_any, use_listen_fds, ignore_term, heed_stdin;
    long long_line, flood, exit, eaddrinuse, listen_after; /* -1: not wanted */
    long after_bytes[3];                                   /* crash, kill, stop; the same */
    const char *say, *exit_after, *counter, *steal, *report, *touch;
};

enum kind { FLAG, NUMBER, TEXT };

/* clang-format off */
#define ROW(name, kind, field) {name, kind, offsetof(struct faults, field)}
static const struct row {
    const char *name;
    enum kind kind;
    size_t offset;
} rows[] = {
    ROW("server", FLAG, server),
    ROW("say", TEXT, say),
    ROW("partial-line", FLAG, partial_line),
    ROW("control-chars", FLAG, control_chars),
    ROW("long-line", NUMBER, long_line),
    ROW("flood-stderr", NUMBER, flood),
    ROW("close-output", FLAG, close_output),
    ROW("exit", NUMBER, exit),
    ROW("exit-after", TEXT, exit_after),
    ROW("eaddrinuse", NUMBER, eaddrinuse),
    ROW("counter", TEXT, counter),
    ROW("fork-and-exit", FLAG, fork_and_exit),
    ROW("fork-grandchild", FLAG, fork_grandchild),
    ROW("never-listen", FLAG, never_listen),
    ROW("listen-after", NUMBER, listen_after),
    ROW("wrong-port", FLAG, wrong_port),
    ROW("bind-any", FLAG, bind_any),
    ROW("steal", TEXT, steal),
    ROW("use-listen-fds", FLAG, use_listen_fds),
    ROW("ignore-term", FLAG, ignore_term),
    ROW("heed-stdin", FLAG, heed_stdin),
    ROW("crash-after-bytes", NUMBER, after_bytes[0]),
    ROW("kill-after-bytes", NUMBER, after_bytes[1]),
    ROW("stop-self-after-bytes", NUMBER, after_bytes[2]),
    ROW("report", TEXT, report),
    ROW("touch", TEXT, touch),
};
/* clang-format on */

static void set(struct faults *f, const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *field = (char *)f + rows[i].offset;
        if (strcmp(rows[i].name, key) != 0)
            continue;
        if (rows[i].kind == FLAG)
            memcpy(field, &(bool){true}, sizeof(bool));
        else if (rows[i].kind == NUMBER)
            memcpy(field, &(long){strtol(value, NULL, 10)}, sizeof(long));
        else
            memcpy(field, &value, sizeof value);
    }
}

/* Decodes up to an unescaped stop, in place, and moves *from behind it.  Returns the stop. */
static char take(char **from, const char *stops, char **text)
{
    char *in = *from, *out = *from;
    *text = out;
    while (*in != '\0' && strchr(stops, *in) == NULL) {
        in += *in == '\\' && in[1] != '\0';
        *out++ = *in++;
    }
    char stop = *in;
    *from = in + (stop != '\0');
    *out = '\0';
    return stop;
}

/* text is "key=value;key"; it is changed and stays in use. */
static void read_options(struct faults *f, char *text)
{
    while (*text != '\0') {
        char *key, *value = text + strlen(text);
        if (take(&text, "=;", &key) == '=')
            (void)take(&text, ";", &value);
        set(f, key, value);
    }
}

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
    _exit(EXIT_FAILURE);
}

static long now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void write_file(const char *path, const char *text)
{
    char part[4096];
    (void)snprintf(part, sizeof part, "%s.part", path);
    FILE *out = fopen(part, "we");
    if (out == NULL || fputs(text, out) == EOF || fclose(out) == EOF || rename(part, path) == -1)
        give_up(path);
}

/* ---- faults before and while it listens ---- */

static void talk(const struct faults *f)
{
    if (f->say != NULL)
        (void)fprintf(stderr, "%s\n", f->say);
    if (f->control_chars) {
        static const char bytes[] = "\x1b[31mred\x07 bell\b\x7f \x9b\xff raw\r\n"
                                    " 2000-01-01 00:00:00 ERROR: forged\n";
        (void)!write(STDERR_FILENO, bytes, sizeof bytes - 1);
    }
    for (long i = 0; i < f->long_line; i++)
        (void)fputc('x', stdout);
    if (f->long_line > 0)
        (void)fputs("\n", stdout);
    (void)fflush(stdout);
    for (long i = 0; i < f->flood; i++)
        (void)dprintf(i % 2 == 0 ? STDERR_FILENO : STDOUT_FILENO, "flood %ld %0*d\n", i, FLOOD_LINE,
                      0);
    if (f->partial_line)
        (void)dprintf(STDERR_FILENO, "a line without an end");
}

static void feign_a_taken_port(const struct faults *f)
{
    char text[32] = "0";
    FILE *in = fopen(f->counter, "re");
    if (in != NULL) {
        (void)!fgets(text, sizeof text, in);
        (void)fclose(in);
    }
    long starts = strtol(text, NULL, 10);
    (void)snprintf(text, sizeof text, "%ld", starts + 1);
    write_file(f->counter, text);
    if (starts >= f->eaddrinuse)
        return;
    (void)fputs("listen tcp: bind: address already in use\n", stderr);
    _exit(EXIT_FAILURE);
}

/* Deaf to every signal but SIGKILL, in a session of its own, with every descriptor of its parent.
 * It ends by itself in the end, so that a failed test leaves no trace. */
static void leave_a_grandchild(void)
{
    pid_t child = fork();
    if (child != 0) {
        (void)waitpid(child, NULL, 0);
        return;
    }
    (void)setsid();
    if (fork() != 0)
        _exit(EXIT_SUCCESS);
    for (int signo = 1; signo < NSIG; signo++)
        (void)signal(signo, SIG_IGN);
    (void)poll(NULL, 0, ORPHAN_MS);
    _exit(EXIT_SUCCESS);
}

static struct addrinfo *resolve(const char *host, const char *port)
{
    char first[256];
    struct addrinfo *found,
        hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    if (host == NULL || port == NULL)
        return NULL;
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(host, "|"), host);
    return getaddrinfo(first, port, &hints, &found) == 0 ? found : NULL;
}

static int inherit_listener(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid != NULL && count != NULL && strtol(pid, NULL, 10) == getpid() && *count == '1')
        return LISTEN_FD;
    errno = ENOENT;
    give_up("LISTEN_FDS");
}

static int open_listener(const struct faults *f, const char *host, const char *port)
{
    char stolen[256];
    if (f->use_listen_fds)
        return inherit_listener();
    if (f->steal != NULL) {
        (void)snprintf(stolen, sizeof stolen, "%s", f->steal);
        char *colon = strrchr(stolen, ':');
        host = stolen;
        port = colon != NULL ? colon + 1 : NULL;
        stolen[colon != NULL ? colon - stolen : 0] = '\0';
    }
    struct addrinfo *a = resolve(f->bind_any ? "0.0.0.0" : host, f->wrong_port ? "0" : port);
    int fd = a != NULL ? socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd == -1)
        give_up("address to listen on");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == -1 || listen(fd, SOMAXCONN) == -1)
        give_up("listen");
    freeaddrinfo(a);
    return fd;
}

/* ---- the tunnel ---- */

enum side { ACCEPTED, DIALED };

/* One direction: bytes of one side for the other. */
struct way {
    char bytes[CHUNK];
    size_t from, len;
    bool ended, shut;
};

struct tunnel {
    int fd[2];         /* dialed: -1 while the first bytes may be a question */
    struct way way[2]; /* by the side that it reads from */
};

struct plugin {
    struct faults faults;
    const char *report;
    struct addrinfo *dialed;
    int listener; /* -1: none */
    long ends_at; /* -1: never */
    int status;   /* of that end */
    long relayed;
    size_t tunnels;
    struct tunnel *tunnel[TUNNELS_MAX];
};

/* Ends with a reset, so that nobody takes the end for a clean one. */
static void end_tunnel(struct plugin *p, size_t i)
{
    struct tunnel *t = p->tunnel[i];
    bool clean = t->way[ACCEPTED].shut && t->way[DIALED].shut;
    for (int s = 0; s < 2; s++) {
        if (!clean)
            (void)setsockopt(t->fd[s], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                             sizeof(struct linger));
        (void)close(t->fd[s]);
    }
    free(t);
    p->tunnel[i] = p->tunnel[--p->tunnels];
}

static int dial(const struct plugin *p, struct tunnel *t)
{
    const struct addrinfo *a = p->dialed;
    int fd = a != NULL ? socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    t->fd[DIALED] = fd;
    if (fd == -1 || (connect(fd, a->ai_addr, a->ai_addrlen) == -1 && errno != EINPROGRESS))
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return 0;
}

static void accept_one(struct plugin *p)
{
    struct tunnel *t = calloc(1, sizeof *t);
    if (t == NULL)
        return;
    t->fd[ACCEPTED] = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    t->fd[DIALED] = -1;
    (void)setsockopt(t->fd[ACCEPTED], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    p->tunnel[p->tunnels++] = t;
    if (t->fd[ACCEPTED] == -1 || (p->report == NULL && dial(p, t) == -1))
        end_tunnel(p, p->tunnels - 1);
}

/* How much may still be relayed until a fault is due; commits the fault when nothing may. */
static size_t allowance(struct plugin *p)
{
    static const int signals[] = {SIGSEGV, SIGKILL, SIGSTOP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        long *due = &p->faults.after_bytes[i];
        if (*due > p->relayed)
            return *due - p->relayed < CHUNK ? (size_t)(*due - p->relayed) : CHUNK;
        if (*due < 0)
            continue;
        *due = -1; /* once: it goes on after SIGCONT */
        (void)signal(SIGSEGV, SIG_DFL);
        (void)raise(signals[i]);
    }
    return CHUNK;
}

/* Returns -1 when the tunnel must end. */
static int receive(struct plugin *p, struct tunnel *t, enum side side)
{
    struct way *w = &t->way[side];
    ssize_t n = recv(t->fd[side], w->bytes, allowance(p), 0);
    if (n == -1)
        return errno == EAGAIN ? 0 : -1;
    w->ended = n == 0;
    w->from = 0;
    w->len = (size_t)n;
    p->relayed += n;
    if (t->fd[DIALED] != -1)
        return 0;
    if (w->len != sizeof question - 1 || memcmp(w->bytes, question, w->len) != 0)
        return dial(p, t);
    (void)!send(t->fd[ACCEPTED], p->report, strlen(p->report), MSG_NOSIGNAL);
    w->len = 0;
    w->ended = w->shut = t->way[DIALED].ended = true; /* the end goes to who asked only */
    return 0;
}

static int deliver(struct tunnel *t, enum side side)
{
    struct way *w = &t->way[side];
    if (w->len > 0) {
        ssize_t n = send(t->fd[!side], w->bytes + w->from, w->len, MSG_NOSIGNAL);
        if (n == -1)
            return errno == EAGAIN ? 0 : -1;
        w->from += (size_t)n;
        w->len -= (size_t)n;
    }
    if (w->ended && w->len == 0 && !w->shut) {
        w->shut = true;
        (void)shutdown(t->fd[!side], SHUT_WR);
    }
    return 0;
}

static int relay(struct plugin *p, struct tunnel *t, const struct pollfd ready[2])
{
    for (int s = 0; s < 2; s++) {
        struct way *w = &t->way[s];
        bool readable = (ready[s].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (readable && w->len == 0 && !w->ended && receive(p, t, (enum side)s) == -1)
            return -1;
        if (deliver(t, (enum side)s) == -1)
            return -1;
    }
    return t->way[ACCEPTED].shut && t->way[DIALED].shut ? -1 : 0;
}

static void watch(const struct tunnel *t, struct pollfd out[2])
{
    for (int s = 0; s < 2; s++) {
        const struct way *own = &t->way[s], *other = &t->way[!s];
        short events = 0;
        if (!own->ended && own->len == 0)
            events |= POLLIN;
        if (other->len > 0)
            events |= POLLOUT;
        out[s] = (struct pollfd){.fd = events != 0 ? t->fd[s] : -1, .events = events};
    }
}

static int patience(const struct plugin *p)
{
    if (p->ends_at == -1)
        return -1;
    long left = p->ends_at - now_ms();
    if (left <= 0)
        _exit(p->status);
    return (int)left;
}

static _Noreturn void serve(struct plugin *p)
{
    struct pollfd fd[2 + 2 * TUNNELS_MAX];
    for (;;) {
        bool room = p->tunnels < TUNNELS_MAX;
        fd[0] = (struct pollfd){.fd = room ? p->listener : -1, .events = POLLIN};
        fd[1] = (struct pollfd){.fd = p->faults.heed_stdin ? STDIN_FILENO : -1, .events = POLLIN};
        for (size_t i = 0; i < p->tunnels; i++)
            watch(p->tunnel[i], &fd[2 + 2 * i]);
        (void)poll(fd, 2 + 2 * p->tunnels, patience(p));
        if (fd[1].revents != 0)
            _exit(EXIT_SUCCESS);
        for (size_t i = p->tunnels; i-- > 0;) {
            if (relay(p, p->tunnel[i], &fd[2 + 2 * i]) == -1)
                end_tunnel(p, i);
        }
        if ((fd[0].revents & POLLIN) != 0)
            accept_one(p);
    }
}

/* ---- start ---- */

static void leave(int signo)
{
    (void)signo;
    _exit(EXIT_SUCCESS);
}

static void heed_signals(const struct faults *f)
{
    static const int asked[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        (void)signal(asked[i], f->ignore_term ? SIG_IGN : leave);
}

static void fail_early(struct plugin *p)
{
    struct faults *f = &p->faults;
    if (f->report != NULL && *f->report != '\0')
        write_file(f->report, p->report);
    talk(f);
    if (f->eaddrinuse >= 0 && f->counter != NULL)
        feign_a_taken_port(f);
    if (f->exit >= 0)
        _exit((int)f->exit);
    if (f->fork_and_exit && fork() != 0)
        _exit(EXIT_SUCCESS);
    if (f->exit_after != NULL) {
        char *comma;
        p->ends_at = now_ms() + strtol(f->exit_after, &comma, 10);
        p->status = *comma == ',' ? (int)strtol(comma + 1, NULL, 10) : EXIT_FAILURE;
    }
    if (f->listen_after > 0)
        (void)poll(NULL, 0, (int)f->listen_after);
}

int main(int argc, char **argv)
{
    struct plugin *p = calloc(1, sizeof *p);
    const char *options = getenv("SS_PLUGIN_OPTIONS"), *role = getenv("SS_PLUGIN_ROLE");
    if (p == NULL)
        give_up("start");
    p->faults = (struct faults){.exit = -1, .eaddrinuse = -1, .after_bytes = {-1, -1, -1}};
    p->listener = -1;
    p->ends_at = -1;
    read_options(&p->faults, strdup(options != NULL ? options : ""));
    for (int i = 1; i < argc; i++)
        read_options(&p->faults, strdup(argv[i]));
    if (p->faults.report != NULL)
        p->report = report(p->faults.touch, argv);
    heed_signals(&p->faults);
    fail_early(p);

    bool server = p->faults.server || (role != NULL && strcmp(role, "server") == 0);
    const char *local = getenv("SS_LOCAL_HOST"), *local_port = getenv("SS_LOCAL_PORT");
    const char *remote = getenv("SS_REMOTE_HOST"), *remote_port = getenv("SS_REMOTE_PORT");
    p->dialed = server ? resolve(local, local_port) : resolve(remote, remote_port);
    if (!p->faults.never_listen)
        p->listener = server ? open_listener(&p->faults, remote, remote_port)
                             : open_listener(&p->faults, local, local_port);
    if (p->faults.fork_grandchild)
        leave_a_grandchild();
    if (p->faults.close_output) {
        (void)close(STDOUT_FILENO);
        (void)close(STDERR_FILENO);
    }
    serve(p);
}
