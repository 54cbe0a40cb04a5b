/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/secrets.h"

#include "crypto/key.h"
#include "proto/method.h"
#include "proto/users.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file of a service's credentials that is read when the configuration names none. */
#define CREDENTIAL "password"

enum { PASSWORD_MAX = 4096 };

/* ---- users as text ---- */

static void drop(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

int ss_users_of_conf_add(struct ss_conf *conf, const char *name, const char *key,
                         const struct ssp__allowance *allowance)
{
    struct ss_user_text *grown = conf->user_text;
    if ((conf->user_texts & (conf->user_texts + 1)) == 0)
        grown = reallocarray(conf->user_text, 2 * (conf->user_texts + 1), sizeof *grown);
    if (grown == NULL)
        return -1;
    conf->user_text = grown;
    struct ss_user_text *own = &grown[conf->user_texts];
    *own = (struct ss_user_text){strdup(name), strdup(key), *allowance};
    conf->user_texts++;
    return own->name != NULL && own->key != NULL ? 0 : -1;
}

static void drop_texts(struct ss_conf *conf)
{
    for (size_t i = 0; i < conf->user_texts; i++) {
        free(conf->user_text[i].name);
        drop(&conf->user_text[i].key);
    }
    free(conf->user_text);
    conf->user_text = NULL;
    conf->user_texts = 0;
}

void ss_users_of_conf_move(struct ss_conf *conf, struct ss_conf *file)
{
    if (conf->has_users || !file->has_users)
        return;
    conf->user_text = file->user_text;
    conf->user_texts = file->user_texts;
    conf->has_users = true;
    file->user_text = NULL;
    file->user_texts = 0;
}

void ss_users_of_conf_release(struct ss_conf *conf)
{
    drop_texts(conf);
    ss_users_free(conf->users);
    conf->users = NULL;
}

/* ---- elsewhere ---- */

bool ss_secrets_named(const char *text)
{
    size_t len = strlen(text);
    return len >= 4 && strncmp(text, "${", 2) == 0 && text[len - 1] == '}';
}

int ss_secrets_expand(char **text, const struct ss_origin *origin)
{
    if (*text == NULL || !ss_secrets_named(*text))
        return 0;
    const size_t len = strlen(*text);
    (*text)[len - 1] = '\0';
    const char *value = getenv(*text + 2);
    if (value == NULL && origin != NULL)
        ss_complain(origin, "the environment has no variable %s", *text + 2);
    (*text)[len - 1] = '}';
    if (value == NULL)
        return -1;
    char *copy = strdup(value);
    drop(text);
    *text = copy;
    if (copy == NULL && origin != NULL)
        ss_complain(origin, "out of memory");
    return copy != NULL ? 0 : -1;
}

/* Reads the first line.  Returns NULL with errno. */
static char *read_line(int fd)
{
    char *text = calloc(1, PASSWORD_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;
    while (text != NULL && n != 0 && len < PASSWORD_MAX) {
        n = read(fd, text + len, PASSWORD_MAX - len);
        if (n == -1 && errno != EINTR)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    if (text != NULL && n == 0) {
        text[strcspn(text, "\r\n")] = '\0';
        return text;
    }
    errno = n == -1 || text == NULL ? errno : EFBIG;
    drop(&text);
    return NULL;
}

static void warn_if_public(const struct ss_origin *origin, int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
        (status.st_mode & S_IROTH) != 0)
        ss_complain(origin, "everyone can read it (chmod 600)");
}

static int fetch_file(struct ss_conf *conf, const struct ss_origin *origin)
{
    char why[SS_UNREADABLE_MAX];
    int fd = ss_open_file(origin->path, conf->stop != NULL);
    conf->password = fd != -1 ? read_line(fd) : NULL;
    if (conf->password == NULL)
        ss_complain(origin, "cannot read the password: %s", ss_unreadable(why, errno));
    else
        warn_if_public(origin, fd);
    if (fd != -1)
        (void)close(fd);
    return conf->password != NULL ? 0 : -1;
}

/* A name without '/' is that of a credential. */
static int fetch_password(struct ss_conf *conf, enum ss_program program)
{
    char path[PATH_MAX];
    const char *directory = getenv("CREDENTIALS_DIRECTORY"), *file = conf->password_file;
    struct ss_origin origin = {.program = program, .path = file};
    bool credential =
        directory != NULL && *directory == '/' && (file == NULL || strchr(file, '/') == NULL);
    if (conf->password != NULL || conf->key != NULL) {
        origin = (struct ss_origin){.program = program, .name = "password_file"};
        if (file != NULL)
            ss_complain(&origin, "ignored, because there is a password, too");
        return 0;
    }
    if (credential) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, file != NULL ? file : CREDENTIAL);
        origin.path = path;
    }
    bool there = file != NULL || (credential && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0);
    return there ? fetch_file(conf, &origin) : 0;
}

int ss_secrets_fetch(struct ss_conf *conf, enum ss_program program)
{
    if (fetch_password(conf, program) == -1)
        return -1;
    struct ss_origin origin = {.program = program, .name = "password"};
    int rc = ss_secrets_expand(&conf->password, &origin);
    origin.name = "key";
    rc |= ss_secrets_expand(&conf->key, &origin);
    origin.name = "store";
    rc |= ss_secrets_expand(&conf->store, &origin);
    origin.name = "users";
    for (size_t i = 0; i < conf->user_texts; i++)
        rc |= ss_secrets_expand(&conf->user_text[i].key, &origin);
    return rc == 0 ? 0 : -1;
}

/* ---- users ---- */

static int add_user(struct ss_users *users, const struct ss_method *method,
                    const struct ss_user_text *text, const struct ss_origin *origin)
{
    uint8_t key[SS_KEY_MAX];
    char name[SS_QUOTE_MAX];
    size_t len;
    (void)ss_quote(name, text->name);
    unsigned expected = method->cipher->key_len;
    enum ss_key_verdict verdict = ss_key_from_base64(key, method->cipher, text->key, &len);
    if (verdict == SS_KEY_MALFORMED)
        ss_complain(origin, "key of %s: not base64 (expected %u bytes)", name, expected);
    if (verdict == SS_KEY_WRONG_LENGTH)
        ss_complain(origin, "key of %s: wrong length: %zu bytes (expected %u)", name, len,
                    expected);
    if (verdict != SS_KEY_OK)
        return -1;
    enum ss_user_verdict added = ss_users_add(users, text->name, key);
    sodium_memzero(key, sizeof key);
    if (added == SS_USER_OK && !ss_users_limit(users, text->name, &text->allowance))
        added = SS_USER_NO_MEMORY;
    if (added == SS_USER_NAME_TAKEN)
        ss_complain(origin, "two users are named %s", name);
    if (added == SS_USER_KEY_TAKEN)
        ss_complain(origin, "%s has the same key as another user", name);
    if (added == SS_USER_NO_MEMORY)
        ss_complain(origin, "out of memory");
    return added == SS_USER_OK ? 0 : -1;
}

int ss_secrets_make_users(struct ss_conf *conf, enum ss_program program)
{
    const struct ss_origin origin = {.program = program, .name = "users"};
    const struct ss_method *method = ss_method_find(conf->method);
    if (!conf->has_users || method == NULL)
        return 0;
    if (!method->has_users) {
        ss_complain(&origin, "%s knows no users (expected a method of AEAD-2022 with AES)",
                    method->name);
        return -1;
    }
    conf->users = ss_users_new(method->cipher->key_len);
    int rc = conf->users != NULL ? 0 : -1;
    for (size_t i = 0; i < conf->user_texts && rc == 0; i++)
        rc = add_user(conf->users, method, &conf->user_text[i], &origin);
    drop_texts(conf);
    return rc;
}

/* ---- a new key ---- */

int ss_secrets_print_new_key(const struct ss_origin *origin, const char *method_name)
{
    enum { TEXT_SIZE = sodium_base64_ENCODED_LEN(SS_KEY_MAX, sodium_base64_VARIANT_ORIGINAL) };
    const struct ss_method *method = ss_method_find(method_name);
    char text[TEXT_SIZE], quote[SS_QUOTE_MAX];
    uint8_t key[SS_KEY_MAX];
    if (method == NULL) {
        ss_complain(origin, "%s is not a method (expected one of %s)", ss_quote(quote, method_name),
                    ss_method_list());
        return SS_EXIT_USAGE;
    }
    randombytes_buf(key, sizeof key);
    (void)sodium_bin2base64(text, sizeof text, key, method->cipher->key_len,
                            sodium_base64_VARIANT_ORIGINAL);
    (void)puts(text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return ss_answered(origin->program);
}
