/* SPDX-License-Identifier: Apache-2.0 */
#include "store/user.h"

#include "crypto/key.h"
#include "formats/amount.h"
#include "formats/json_tree.h"

#include <sodium.h>
#include <string.h>

enum { DEPTH = 3, TEXT_MAX = 4096 };

static bool has_nul(json_object *value)
{
    return strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value);
}

static bool read_amount(uint64_t *bytes, json_object *user, const char *key)
{
    json_object *value;
    if (!json_object_object_get_ex(user, key, &value) || json_object_is_type(value, json_type_null))
        return true;
    bool text = json_object_is_type(value, json_type_string) && !has_nul(value);
    return (text || json_object_is_type(value, json_type_int)) &&
           ss_amount_read(bytes, json_object_get_string(value)) == 0;
}

static const char *add(struct ss_users *users, const char *name, const uint8_t *key,
                       const struct ssp__allowance *allowance)
{
    switch (ss_users_add(users, name, key)) {
    case SS_USER_NAME_TAKEN:
        return "there are two of that name";
    case SS_USER_KEY_TAKEN:
        return "another user has the same key";
    case SS_USER_NO_MEMORY:
        return "out of memory";
    case SS_USER_OK:
        break;
    }
    return ss_users_limit(users, name, allowance) ? NULL : "out of memory";
}

static const char *add_object(struct ss_users *users, const struct ss_cipher *cipher,
                              const char *name, json_object *user)
{
    json_object *password = NULL;
    struct ssp__allowance allowance = {.bytes = 0};
    uint8_t key[SS_KEY_MAX];
    size_t len;
    if (!json_object_is_type(user, json_type_object) ||
        !json_object_object_get_ex(user, "password", &password) ||
        !json_object_is_type(password, json_type_string) || has_nul(password))
        return "it is no object with a password";
    if (!read_amount(&allowance.bytes, user, "limit_bytes") ||
        !read_amount(&allowance.rate, user, "limit_rate"))
        return "a limit is no amount";
    enum ss_key_verdict verdict =
        ss_key_from_base64(key, cipher, json_object_get_string(password), &len);
    ss_json_wipe(password);
    if (verdict != SS_KEY_OK)
        return "its password is no key of the method";
    const char *why = add(users, name, key, &allowance);
    sodium_memzero(key, sizeof key);
    return why;
}

const char *ss_store_user_add(struct ss_users *users, const struct ss_cipher *cipher,
                              const char *name, const char *text, size_t len)
{
    if (len > TEXT_MAX || *name == '\0' || strlen(name) > SS_USER_NAME_MAX)
        return "the name or the value is too long, or empty";
    json_tokener *tokener = json_tokener_new_ex(DEPTH);
    if (tokener == NULL)
        return "out of memory";
    json_object *user = ss_json_tree(tokener, text, len);
    bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
                 json_tokener_get_parse_end(tokener) == len;
    const char *why =
        user != NULL && whole ? add_object(users, cipher, name, user) : "it is no JSON";
    json_object_put(user);
    json_tokener_free(tokener);
    return why;
}

void ss_store_user_keep(struct ss_users *users, struct ss_users *from, const char *name)
{
    struct ss_user *user = from != NULL ? ss_users_take_named(from, name) : NULL;
    if (user == NULL)
        return;
    struct ssp__allowance allowance = {.bytes = 0};
    if (user->limits != NULL)
        allowance = (struct ssp__allowance){.bytes = user->limits->bytes,
                                            .rate = user->limits->bucket.rate};
    if (ss_users_add(users, name, user->key) == SS_USER_OK)
        (void)ss_users_limit(users, name, &allowance);
    ss_user_release(user);
}
