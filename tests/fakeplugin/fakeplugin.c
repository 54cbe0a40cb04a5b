/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakeplugin - a SIP003 plugin that misbehaves as told, and that shares no code with the project.
 *
 * A plain tunnel for what SS_PLUGIN_MODE says, else for TCP.  SS_PLUGIN_OPTIONS, or the command
 * line, choose the faults:
 *   server                   listen on SS_REMOTE_* (also with SS_PLUGIN_ROLE=server)
 *   say=TEXT  partial-line  control-chars  long-line=N  flood-stderr=LINES  close-output
 *   pour=SECONDS             a child writes 60 MB a second of lines to stderr, then what it waited
 *   exit=N                   leave at once
 *   exit-after=MS,N          leave with status N after so many ms
 *   eaddrinuse=N  counter=F  the first N starts say "address already in use" and leave with 1
 *   fork-and-exit            go on in a child and leave
 *   fork-grandchild          a deaf process in a session of its own keeps all descriptors
 *   never-listen  listen-after=MS  wrong-port  bind-any  steal=HOST:PORT  use-listen-fds
 *   ignore-term  heed-stdin  SIGTERM changes nothing; the end of the input ends it
 *   crash-after-bytes=K  kill-after-bytes=K  stop-self-after-bytes=K  deaf-after-bytes=K
 *   notify=LINES             write them to SS_PLUGIN_NOTIFY_FD before listening
 *   notify-ready             write READY=1 there once it listens
 *   flood-notify             a child writes there without end
 *   accept-none              leave every connection where the kernel queues it
 *   no-udp                   do not relay datagrams, whatever SS_PLUGIN_MODE says
 *   report=FILE              write what the process was given, as JSON, before listening
 *   report                   send it to whoever connects and says REPORT?
 *   touch=FILE               try to create FILE, for the report
 */
#include "report.h"
#include "tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LISTEN_FD = 3, FLOOD_LINE = 100, ORPHAN_MS = 120000 };

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
    _exit(EXIT_FAILURE);
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

static struct addrinfo *resolve(const char *host, const char *port, int type)
{
    char first[256];
    struct addrinfo *found,
        hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = type};
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

static int open_listener(const struct faults *f, const char *host, const char *port, int type)
{
    char stolen[256];
    if (f->use_listen_fds && type == SOCK_STREAM)
        return inherit_listener();
    if (f->steal != NULL) {
        (void)snprintf(stolen, sizeof stolen, "%s", f->steal);
        char *colon = strrchr(stolen, ':');
        host = stolen;
        port = colon != NULL ? colon + 1 : NULL;
        stolen[colon != NULL ? colon - stolen : 0] = '\0';
    }
    struct addrinfo *a = resolve(f->bind_any ? "0.0.0.0" : host, f->wrong_port ? "0" : port, type);
    int fd = a != NULL ? socket(a->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd == -1)
        give_up("address to listen on");
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == -1 ||
        (type == SOCK_STREAM && listen(fd, SOMAXCONN) == -1))
        give_up("listen");
    freeaddrinfo(a);
    return fd;
}

/* ---- notices for the host ---- */

static int notify_fd(void)
{
    const char *text = getenv("SS_PLUGIN_NOTIFY_FD");
    return text != NULL ? (int)strtol(text, NULL, 10) : -1;
}

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A piece each ms; what it is late with comes at once, as soon as it is taken. */
static void pour(long seconds)
{
    enum { PIECE = 60000, MS = 1000 };
    static char piece[PIECE];
    uint64_t begin = now_us(), end = begin + (uint64_t)seconds * 1000 * MS, longest = 0;
    unsigned long long poured = 0;
    if (fork() != 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(piece, '-', sizeof piece);
    for (size_t i = FLOOD_LINE; i <= sizeof piece; i += FLOOD_LINE)
        piece[i - 1] = '\n';
    for (uint64_t due = begin, at = begin; at < end; due += MS) {
        if (due > at)
            (void)usleep((useconds_t)(due - at));
        at = now_us();
        poured += (unsigned long long)write(STDERR_FILENO, piece, sizeof piece);
        longest = now_us() - at > longest ? now_us() - at : longest;
        at = now_us();
    }
    (void)sleep(1); /* the log takes lines again */
    (void)dprintf(STDERR_FILENO, "poured %llu bytes, waited %llu us at most\n", poured,
                  (unsigned long long)longest);
    _exit(EXIT_SUCCESS);
}

static void flood_notices(void)
{
    if (fork() != 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (dprintf(notify_fd(), "STATS=conns=0\n") > 0)
        continue;
    _exit(EXIT_SUCCESS);
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
    if (f->notify != NULL)
        (void)dprintf(notify_fd(), "%s\n", f->notify);
    if (f->flood_notify)
        flood_notices();
    if (f->pour > 0)
        pour(f->pour);
    if (f->listen_after > 0)
        (void)poll(NULL, 0, (int)f->listen_after);
}

static const char *variable(const char *side, const char *what)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s%s", side, what);
    return getenv(name);
}

static bool mode_has(const char *transport)
{
    const char *mode = getenv("SS_PLUGIN_MODE");
    return strstr(mode != NULL ? mode : "tcp_only", transport) != NULL;
}

static void open_ends(struct plugin *p, const char *role)
{
    const struct faults *f = &p->faults;
    bool server = f->server || (role != NULL && strcmp(role, "server") == 0);
    const char *near = server ? "SS_REMOTE" : "SS_LOCAL", *far = server ? "SS_LOCAL" : "SS_REMOTE";
    const char *host = variable(near, "_HOST"), *port = variable(near, "_PORT");
    const char *to = variable(far, "_HOST"), *to_port = variable(far, "_PORT");
    p->dialed = resolve(to, to_port, SOCK_STREAM);
    if (f->never_listen)
        return;
    if (mode_has("tcp"))
        p->listener = open_listener(f, host, port, SOCK_STREAM);
    if (mode_has("udp") && !f->no_udp)
        serve_datagrams(open_listener(f, host, port, SOCK_DGRAM), resolve(to, to_port, SOCK_DGRAM));
}

int main(int argc, char **argv)
{
    struct plugin *p = calloc(1, sizeof *p);
    const char *options = getenv("SS_PLUGIN_OPTIONS"), *role = getenv("SS_PLUGIN_ROLE");
    if (p == NULL)
        give_up("start");
    p->faults = (struct faults){
        .exit = -1, .eaddrinuse = -1, .after_bytes = {-1, -1, -1}, .deaf_after_bytes = -1};
    p->listener = -1;
    p->ends_at = -1;
    read_options(&p->faults, strdup(options != NULL ? options : ""));
    for (int i = 1; i < argc; i++)
        read_options(&p->faults, strdup(argv[i]));
    if (p->faults.report != NULL)
        p->report = report(p->faults.touch, argv);
    heed_signals(&p->faults);
    fail_early(p);

    open_ends(p, role);
    if (p->faults.fork_grandchild)
        leave_a_grandchild();
    if (p->faults.close_output) {
        (void)close(STDOUT_FILENO);
        (void)close(STDERR_FILENO);
    }
    if (p->faults.notify_ready)
        (void)dprintf(notify_fd(), "READY=1\n");
    serve(p);
}
