/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/accounts.h"

#include "conf/secrets.h"
#include "conf/text.h"

#include <stdlib.h>
#include <string.h>

/* Adds a row, which takes both texts.  Returns 0, or -1 when memory is out. */
static int add(struct ss_conf *conf, char *name, char *password)
{
    struct ss_account *grown = reallocarray(conf->account, conf->accounts + 1, sizeof *grown);
    if (grown != NULL)
        conf->account = grown;
    if (grown == NULL || name == NULL || password == NULL) {
        free(name);
        ss_text_drop(&password, true);
        return -1;
    }
    grown[conf->accounts++] = (struct ss_account){name, password};
    return 0;
}

/* A text of 1 to 255 bytes, or from least 0, without a NUL; NULL when there is none. */
static json_object *text_of(json_object *object, const char *key, int least)
{
    json_object *value = NULL;
    bool found = json_object_object_get_ex(object, key, &value) &&
                 json_object_is_type(value, json_type_string);
    int len = found ? json_object_get_string_len(value) : -1;
    bool fits = len >= least && len <= SS_ACCOUNT_TEXT_MAX &&
                strlen(json_object_get_string(value)) == (size_t)len;
    return fits ? value : NULL;
}

int ss_conf_accounts_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    bool is = json_object_is_type(object, json_type_object);
    json_object *name = is ? text_of(object, "name", 1) : NULL;
    json_object *password = is ? text_of(object, "password", 0) : NULL;
    if (name == NULL && is)
        name = text_of(object, "user_name", 1);
    if (name == NULL || password == NULL || strchr(json_object_get_string(name), ':') != NULL) {
        ss_complain(origin, "lacks a name or a password (expected {\"name\": text, \"password\": "
                            "text}, each of at most 255 bytes, no colon in the name)");
        return -1;
    }
    char *secret = strdup(json_object_get_string(password));
    explicit_bzero((void *)(uintptr_t)json_object_get_string(password),
                   (size_t)json_object_get_string_len(password));
    if (secret != NULL && ss_secrets_expand(&secret, origin) == -1) {
        ss_text_drop(&secret, true);
        return -1;
    }
    if (add(conf, strdup(json_object_get_string(name)), secret) == 0)
        return 0;
    ss_complain(origin, "out of memory");
    return -1;
}

void ss_conf_accounts_move(struct ss_conf *conf, struct ss_conf *file)
{
    conf->account = file->account;
    conf->accounts = file->accounts;
    file->account = NULL;
    file->accounts = 0;
}

int ss_conf_accounts_copy(struct ss_conf *out, const struct ss_conf *conf)
{
    int rc = 0;
    out->account = NULL;
    out->accounts = 0;
    for (size_t i = 0; i < conf->accounts && rc == 0; i++)
        rc = add(out, strdup(conf->account[i].name), strdup(conf->account[i].password));
    return rc;
}

void ss_conf_accounts_release(struct ss_conf *conf)
{
    for (size_t i = 0; i < conf->accounts; i++) {
        free(conf->account[i].name);
        ss_text_drop(&conf->account[i].password, true);
    }
    free(conf->account);
    conf->account = NULL;
    conf->accounts = 0;
}
