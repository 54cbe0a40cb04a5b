/* SPDX-License-Identifier: Apache-2.0 */
#include "app/monitor.h"

#include "app/rendezvous.h"
#include "conf/fields.h"
#include "http/board.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 10, TURN_MS = 1000, TEXT_MAX = 64 << 20, READ_SIZE = 64 << 10 };

static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* Returns a socket, or -1 with errno. */
static int dial(const char *where)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct ssp__endpoint e;
    struct ss_rendezvous to;
    char text[SSP_HOST_MAX + 8], why[256];
    if (where[0] != '/' && ss_local_address_read(&e, where) == 0) {
        ssp__endpoint_format(&e, text, sizeof text);
        where = text;
    }
    errno = EINVAL;
    if (ss_rendezvous_read(&to, where, why, sizeof why) == -1)
        return -1;
    int fd = socket(to.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd != -1) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(fd, &to.u.any, to.len) == 0 &&
            send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1)
            return fd;
        int error = errno;
        (void)close(fd);
        errno = error;
    }
    return -1;
}

/* Returns NULL, with errno and text freed, when there may be no more. */
static char *grow(char *text, size_t room)
{
    char *more = room <= TEXT_MAX ? realloc(text, room) : NULL;
    if (more != NULL)
        return more;
    free(text);
    errno = ENOMEM;
    return NULL;
}

/* The whole answer, owned by the caller; NULL with errno. */
static char *read_all(int fd)
{
    size_t len = 0, room = READ_SIZE;
    char *text = grow(NULL, room);
    ssize_t n = 1;
    while (text != NULL && n > 0) {
        n = read(fd, text + len, room - len - 1);
        len += n > 0 ? (size_t)n : 0;
        if (room - len == 1)
            text = grow(text, room *= 2);
    }
    if (text == NULL || n == 0) {
        if (text != NULL)
            text[len] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

/* Returns NULL when a sentence is in *why. */
static char *fetch(const char *where, const char **why)
{
    int fd = dial(where);
    char *text = fd != -1 ? read_all(fd) : NULL;
    bool refused = errno == ECONNREFUSED || errno == ENOENT;
    *why = fd == -1 && refused ? "no process has its metrics there: start one with them first"
                               : strerror(errno);
    if (fd != -1)
        (void)close(fd);
    if (text == NULL || strncmp(text, "HTTP/1.1 200 ", 13) == 0)
        return text;
    free(text);
    *why = "something else than a process of this family answers there";
    return NULL;
}

static void show(const struct ss_board *board, bool json, bool terminal)
{
    struct winsize size = {.ws_row = 0};
    if (terminal) {
        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        printf("\033[H\033[J");
    }
    if (json)
        ss_board_json(board, stdout);
    else
        ss_board_print(board, stdout, size.ws_row, size.ws_col);
    (void)fflush(stdout);
}

int ss_monitor(const struct ss_conf *conf, const char *program)
{
    bool terminal = !conf->json && isatty(STDOUT_FILENO) == 1;
    do {
        const char *why;
        char *text = fetch(conf->metrics, &why);
        char *body = text != NULL ? strstr(text, "\r\n\r\n") : NULL;
        struct ss_board *board = body != NULL ? ss_board_read(body + 4) : NULL;
        if (board == NULL) {
            (void)fprintf(stderr, "%s: metrics %s: %s\n", program, conf->metrics,
                          text != NULL ? "the answer cannot be read" : why);
            free(text);
            return SS_EXIT_FATAL;
        }
        show(board, conf->json, terminal);
        ss_board_free(board);
        free(text);
    } while (terminal && poll(NULL, 0, TURN_MS) == 0);
    return SS_EXIT_OK;
}
