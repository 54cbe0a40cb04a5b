/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fetch.h"
#include "conf/json.h"
#include "conf/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end or until text is full; also from a pipe.  Returns the length, or -1. */
static ssize_t read_all(int fd, char *text, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t n = read(fd, text + len, cap - len);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static bool is_secret(const char *text)
{
    return text != NULL && !ss_secrets_named(text);
}

/* True when the file itself has a key, not the name of a variable that has it. */
static bool has_secret(const struct ss_conf *conf)
{
    bool secret = is_secret(conf->password) || is_secret(conf->key);
    for (size_t i = 0; i < conf->user_texts; i++)
        secret = secret || is_secret(conf->user_text[i].key);
    for (size_t i = 0; i < conf->list.n; i++)
        secret = secret || is_secret(conf->list.at[i].password) || conf->list.at[i].users > 0;
    return secret;
}

/*
 * A user who can write the file decides which plugin runs; a user who can read it has the password.
 *
 * A systemd service with DynamicUser= can read a file of root's only when everyone can. Its only
 * alternative is LoadCredential=, so it gets no warning.
 */
static void warn_if_public(const struct ss_conf *conf, const struct ss_origin *origin, int fd)
{
    struct stat status;
    if (fstat(fd, &status) == -1 || !S_ISREG(status.st_mode))
        return;
    if ((status.st_mode & S_IWOTH) != 0)
        ss_complain(origin,
                    "everyone can change it and so choose the plugin that runs (chmod o-w)");
    else if (geteuid() == 0 && status.st_uid != 0)
        ss_complain(origin,
                    "user %u can change it and so choose what runs as root (chown root, or start "
                    "as that user)",
                    (unsigned)status.st_uid);
    if (has_secret(conf) && status.st_uid == geteuid() && (status.st_mode & S_IROTH) != 0)
        ss_complain(origin, "holds a password and everyone can read it (chmod 640 and a group; for "
                            "a unit with DynamicUser= chmod 600 and LoadCredential=)");
}

int ss_conf_file(struct ss_conf *conf, const struct ss_origin *origin)
{
    enum { CAP = SS_FILE_MAX + 8 }; /* room to notice that a file is too large */
    int rc = -1;
    char *text = malloc(CAP);
    int fd = text != NULL ? ss_open_file(origin->path, conf->stop != NULL) : -1;
    ssize_t len = fd != -1 ? read_all(fd, text, CAP) : -1;
    if (len == -1) {
        char why[SS_UNREADABLE_MAX];
        ss_complain(origin, "cannot read the configuration: %s", ss_unreadable(why, errno));
    } else {
        rc = ss_conf_json(conf, origin, text, (size_t)len);
        explicit_bzero(text, (size_t)len);
    }
    if (rc == 0)
        warn_if_public(conf, origin, fd);
    if (fd != -1)
        (void)close(fd);
    free(text);
    return rc;
}
