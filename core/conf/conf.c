/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf.h"

#include "conf/instances.h"
#include "conf/json.h"
#include "conf/merge.h"
#include "conf/online.h"
#include "conf/options.h"
#include "conf/servers.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "shadowsocks-libev/config.json"

/* Writes the path of a default file.  Returns true when that file is there. */
static bool present(char path[PATH_MAX], const char *directory, const char *below)
{
    if (directory == NULL || *directory == '\0')
        return false;
    int len = snprintf(path, PATH_MAX, "%s/%s" FILE_NAME, directory, below);
    return len > 0 && len < PATH_MAX && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

/* The file to read when there are no arguments, or NULL after an error message. */
static const char *default_file(char path[PATH_MAX], enum ss_program program)
{
    if (present(path, getenv("XDG_CONFIG_HOME"), "") || present(path, getenv("HOME"), ".config/") ||
        present(path, "/etc", ""))
        return path;
    ss_complain(&(struct ss_origin){.program = program},
                "no arguments, and no file $XDG_CONFIG_HOME/" FILE_NAME ", ~/.config/" FILE_NAME
                " or /etc/" FILE_NAME "; %s -h for help",
                ss_programs[program].name);
    return NULL;
}

/* Adds what the file says, as far as it could be read.  Returns 0, or -1 after an error message. */
static int add_file(struct ss_conf *conf, enum ss_program program, const char *path)
{
    struct ss_conf file = {.stop = conf->stop};
    const struct ss_origin origin = {.program = program, .path = path};
    int rc = ss_conf_file(&file, &origin);
    bool replaced = conf->servers > 0 || conf->list.n > 0; /* by -s or URLs */
    if (rc == 0 && !replaced && !conf->status)
        rc = ss_online_load(&file, &origin);
    if (rc == 0 && !replaced)
        rc = ss_servers_settle(&file, &origin);
    ss_fields_merge(conf, &file);
    ss_conf_release(&file);
    return rc;
}

/* Without a file that could be read, nothing is known of what is missing. */
static enum ssp__next finish(struct ss_conf *conf, enum ss_program program, bool read, int *status)
{
    bool unread = !read && conf->refused == 0;
    enum ssp__next next = unread ? SSP_EXIT_WITH : ss_instances_make(conf, program, status);
    conf->mistaken = !read || next == SSP_EXIT_WITH;
    return conf->check ? SSP_GO_ON : next;
}

/* Nothing else is needed to look at a process. */
static enum ssp__next has_metrics(const struct ss_conf *conf, enum ss_program program, int *status)
{
    if (conf->metrics != NULL)
        return SSP_GO_ON;
    *status = SS_EXIT_USAGE;
    ss_complain(
        &(struct ss_origin){.program = program},
        "no metrics (expected --metrics <addr> or \"metrics\" in the configuration file, as "
        "of the process that runs); %s -h for help",
        ss_programs[program].name);
    return SSP_EXIT_WITH;
}

static enum ssp__next read_all(struct ss_conf *conf, enum ss_program program,
                               const struct ss_conf_source *from, char **argv, int *status)
{
    char place[PATH_MAX];
    if (ss_args_read(conf, program, from->argc, argv, status) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    *status = SS_EXIT_FATAL;
    conf->status = conf->status || conf->json;
    if (from->path != NULL) {
        conf->file = from->path;
    } else if (from->argc <= 1 && program != SS_MANAGER) {
        conf->file = default_file(place, program);
        if (conf->file == NULL)
            return SSP_EXIT_WITH;
    }
    bool read = conf->file == NULL || add_file(conf, program, conf->file) == 0;
    if (conf->file != NULL)
        conf->path = realpath(conf->file, NULL);
    conf->file = NULL;
    if (!read && !conf->check)
        return SSP_EXIT_WITH;
    if (conf->status)
        return has_metrics(conf, program, status);
    return finish(conf, program, read, status);
}

static enum ssp__next read_or_release(struct ss_conf *conf, enum ss_program program,
                                      const struct ss_conf_source *from, char **argv, int *status)
{
    *conf = (struct ss_conf){.stop = from->stop};
    enum ssp__next next = read_all(conf, program, from, argv, status);
    conf->stop = NULL;
    if (next == SSP_EXIT_WITH)
        ss_conf_release(conf);
    return next;
}

enum ssp__next ss_conf_read(struct ss_conf *conf, enum ss_program program, int argc, char **argv,
                            int *status)
{
    return read_or_release(conf, program, &(struct ss_conf_source){.argc = argc}, argv, status);
}

enum ssp__next ss_conf_read_again(struct ss_conf *conf, enum ss_program program,
                                  const struct ss_conf_source *from, int *status)
{
    char **copy = ss_args_copy(from->argc, from->argv);
    *status = SS_EXIT_FATAL;
    if (copy == NULL) {
        *conf = (struct ss_conf){.servers = 0};
        ss_complain(&(struct ss_origin){.program = program}, "out of memory");
        return SSP_EXIT_WITH;
    }
    enum ssp__next next = read_or_release(conf, program, from, copy, status);
    ss_args_free(from->argc, copy);
    return next;
}
