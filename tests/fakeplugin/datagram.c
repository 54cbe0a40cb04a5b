/* SPDX-License-Identifier: Apache-2.0 */
#include "tunnel.h"

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, DATAGRAM_MAX = 65535 };

/* A sender, and the socket that is its own toward the other end. */
struct client {
    struct sockaddr_storage address;
    socklen_t len;
    int fd;
};

static struct client *client_of(struct client *client, size_t *n, const struct client *sender,
                                const struct addrinfo *to)
{
    for (size_t i = 0; i < *n; i++) {
        if (client[i].len == sender->len &&
            memcmp(&client[i].address, &sender->address, sender->len) == 0)
            return &client[i];
    }
    int fd = *n < CLIENTS_MAX ? socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd == -1 || connect(fd, to->ai_addr, to->ai_addrlen) == -1)
        return NULL;
    client[*n] = *sender;
    client[*n].fd = fd;
    return &client[(*n)++];
}

static _Noreturn void relay_datagrams(int fd, const struct addrinfo *to)
{
    static char
        bytes[DATAGRAM_MAX]; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables) */
    struct client client[CLIENTS_MAX];
    size_t clients = 0;
    for (;;) {
        struct pollfd p[CLIENTS_MAX + 1] = {{.fd = fd, .events = POLLIN}};
        for (size_t i = 0; i < clients; i++)
            p[i + 1] = (struct pollfd){.fd = client[i].fd, .events = POLLIN};
        (void)poll(p, clients + 1, -1);
        for (size_t i = clients; i-- > 0;) {
            ssize_t n = p[i + 1].revents != 0 ? recv(client[i].fd, bytes, sizeof bytes, 0) : -1;
            if (n >= 0)
                (void)sendto(fd, bytes, (size_t)n, 0, (const struct sockaddr *)&client[i].address,
                             client[i].len);
        }
        struct client sender = {.len = sizeof sender.address};
        if (p[0].revents == 0)
            continue;
        ssize_t n =
            recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&sender.address, &sender.len);
        struct client *known = n >= 0 ? client_of(client, &clients, &sender, to) : NULL;
        if (known != NULL)
            (void)send(known->fd, bytes, (size_t)n, 0);
    }
}

void serve_datagrams(int fd, const struct addrinfo *to)
{
    if (fork() != 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    relay_datagrams(fd, to);
}
