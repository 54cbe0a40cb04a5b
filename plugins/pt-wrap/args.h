/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.h - the arguments of a transport, and every form in which they travel.
 *
 * They may be keys: they must not be logged, and release wipes them.
 */
#ifndef PT_WRAP_ARGS_H
#define PT_WRAP_ARGS_H

#include <stddef.h>

/* SOCKS5 has a user name and a password of 255 bytes each for them. */
enum { PT_ARGS_SOCKS_FIELD = 255, PT_ARGS_SOCKS_MAX = 2 * PT_ARGS_SOCKS_FIELD };

struct pt_arg {
    char *key, *value;
};

/* Zero is valid and empty. */
struct pt_args {
    struct pt_arg *arg;
    size_t n;
};

/* A later value of a key takes the place of an earlier one.  Returns 0, or -1: out of memory. */
int pt_args_set(struct pt_args *args, const char *key, const char *value);

/* NULL when there is none. */
const char *pt_args_get(const struct pt_args *args, const char *key);

/* Reads "k=v,k=v", the text after ARGS: in a line of a server's transport; "\x" stands for x.
 * Returns 0, or -1 when it is malformed or memory is out. */
int pt_args_read(struct pt_args *args, const char *text);

/* The arguments in the form that a client's transport gets over SOCKS: "k=v;k=v".  The caller frees
 * this one and the following ones with pt_args_forget(); NULL: out of memory. */
char *pt_args_socks(const struct pt_args *args);

/* The same in the form of TOR_PT_SERVER_TRANSPORT_OPTIONS: "name:k=v;name:k=v". */
char *pt_args_server(const struct pt_args *args, const char *transport);

/* The same in the form of a client's plugin options: "transport=name;k=v". */
char *pt_args_client_options(const struct pt_args *args, const char *transport);

void pt_args_forget(char *text); /* accepts NULL */
void pt_args_release(struct pt_args *args);

#endif
