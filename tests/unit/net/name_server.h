/* SPDX-License-Identifier: Apache-2.0 */
/* name_server.h - a DNS server (RFC 1035) on loopback that answers when, and what, a test says. */
#ifndef TESTS_NAME_SERVER_H
#define TESTS_NAME_SERVER_H

#include "net/loop.h"

#include "base/address.h"

enum { WAIT_MS = 20000, QUESTIONS = 2, QUESTION_MAX = 512, RECORD_MAX = 28 };

/* A question that has come. */
struct question {
    struct ssp__address client;
    uint8_t packet[QUESTION_MAX + RECORD_MAX];
    size_t len;
    int family; /* of the address that is asked for */
};

/* Returns the socket; text is its address then. */
int name_server_open(char text[SSP_ADDRESS_TEXT_MAX]);

/* The next question; the loop turns meanwhile. */
void take_question(int server, ssp_loop *loop, struct question *q);

/* The next two questions about one name, that for its IPv4 address first. */
void take_questions(int server, ssp_loop *loop, struct question q[QUESTIONS]);

/* Its name, as it stands in the packet: "\1a\7example". */
bool asks_for(const struct question *q, const char *labels);

void answer(int server, struct question *q, const char *address);
void deny(int server, struct question *q);     /* no address of that family */
void deny_all(int server, struct question *q); /* no such name */

#endif
