/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/used.h"

#include "formats/json_tree.h"

#include <json-c/json.h>
#include <stdlib.h>

struct ss_used {
    json_object *whole, *users; /* users: borrowed from whole; NULL: none is noted */
};

struct ss_used *ss_used_new(void)
{
    struct ss_used *u = calloc(1, sizeof *u);
    if (u != NULL)
        u->whole = json_object_new_object();
    if (u != NULL && u->whole != NULL)
        return u;
    free(u);
    return NULL;
}

void ss_used_free(struct ss_used *u)
{
    if (u == NULL)
        return;
    json_object_put(u->whole);
    free(u);
}

void ss_used_add(struct ss_used *u, const char *user, uint64_t bytes)
{
    json_object *number = json_object_new_int64(bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX);
    if (user != NULL && u->users == NULL) {
        (void)ss_json_add(u->whole, "users", json_object_new_object());
        (void)json_object_object_get_ex(u->whole, "users", &u->users);
    }
    if (user == NULL)
        (void)ss_json_add(u->whole, "port", number);
    else if (u->users != NULL)
        (void)ss_json_add(u->users, user, number);
    else
        json_object_put(number);
}

const char *ss_used_text(struct ss_used *u)
{
    if (json_object_object_length(u->whole) == 0)
        return NULL;
    return json_object_to_json_string_ext(u->whole, JSON_C_TO_STRING_PLAIN);
}

static void tell(json_object *value, const char *user,
                 void (*visit)(void *arg, const char *user, uint64_t bytes), void *arg)
{
    if (json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0)
        visit(arg, user, (uint64_t)json_object_get_int64(value));
}

int ss_used_read(const char *text, size_t len,
                 void (*visit)(void *arg, const char *user, uint64_t bytes), void *arg)
{
    json_tokener *tokener = json_tokener_new();
    json_object *whole = tokener != NULL ? ss_json_tree(tokener, text, len) : NULL;
    json_object *port, *users;
    int rc = json_object_is_type(whole, json_type_object) ? 0 : -1;
    if (rc == 0 && json_object_object_get_ex(whole, "port", &port))
        tell(port, NULL, visit, arg);
    if (rc == 0 && json_object_object_get_ex(whole, "users", &users) &&
        json_object_is_type(users, json_type_object)) {
        json_object_object_foreach(users, name, bytes)
        {
            tell(bytes, name, visit, arg);
        }
    }
    json_object_put(whole);
    if (tokener != NULL)
        json_tokener_free(tokener);
    return rc;
}
