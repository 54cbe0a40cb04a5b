/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - addresses that stand for names, for clients that have to look a name up before they
 * connect to it: the name goes to the server when the client asks for its address.
 *
 * The addresses are of 198.18.0.0/15, which no host of the Internet has (RFC 2544).  The oldest
 * names are forgotten; an address is given again much later than that.  Thread-safe.
 */
#ifndef SS_PROTO_NAMES_H
#define SS_PROTO_NAMES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct ss_names;

struct ss_names *ss_names_new(void);        /* NULL when memory is out */
void ss_names_free(struct ss_names *names); /* accepts NULL */

/* The address of a name, the same one as long as it is known.  Returns 0, or -1 when memory is out.
 */
int ss_names_address(struct ss_names *names, const char *name, struct in_addr *address);

/* Copies the name of an address.  Returns false when it has none, or one that is longer. */
bool ss_names_find(struct ss_names *names, struct in_addr address, char *name, size_t cap);

#endif
