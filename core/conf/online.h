/* SPDX-License-Identifier: Apache-2.0 */
/*
 * online.h - "online_config": a list of servers from a file or an https URL, the last good copy of
 * it, and the plugins that it may name.
 */
#ifndef SS_CONF_ONLINE_H
#define SS_CONF_ONLINE_H

#include "conf/complain.h"
#include "conf/conf.h"

#include <json-c/json.h>

/* A plugin that a list may name, and the digest that its file must have. */
struct ss_allowed_plugin {
    char *path;
    char *sha256; /* hexadecimal; NULL: any */
};

/* Reads the object of "online_config".  Returns 0, or -1 after an error message. */
int ss_online_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object);

/* Adds the servers of the list to those of the conf; when there is none to be had, the last good
 * copy counts.  Returns 0, or -1 after an error message. */
int ss_online_load(struct ss_conf *conf, const struct ss_origin *origin);

void ss_online_release(struct ss_conf *conf);

/* A program that runs, and looks at its list again. */
struct ss_online_look {
    const struct ss_online *online;
    enum ss_program program;
    struct ss_fetch_version version; /* at first those of online, as the next */
    uint8_t print[SS_ONLINE_PRINT];  /* of the text that was seen last */
    bool wrong;                      /* that text */
    const atomic_bool *stop;
};

enum ss_online_news {
    SS_ONLINE_SAME,
    SS_ONLINE_NEW,  /* another list, of which servers can be used; the copy is made of it */
    SS_ONLINE_WRONG /* see why, which is empty or as before where the text is that of before */
};

/* Gets the list if it has changed since the last look, and tells nothing itself.  May take half a
 * minute. */
enum ss_online_news ss_online_look(struct ss_online_look *look, char why[SS_FETCH_WHY_MAX]);

#endif
