/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any command line, of each program that has one: a usage error, or values that keep their
 * promises; secrets are gone from the arguments.
 *
 * Byte 0: the program.  The rest: arguments, each ended by a NUL.  Help goes to stdout, complaints
 * to stderr: -close_fd_mask=3 makes a campaign fast.
 */
#include "must.h"

#include "conf/check.h"
#include "conf/options.h"

enum { INPUT_MAX = 4096, ARGUMENTS_MAX = 64 };

struct line {
    char *text;
    char *argv[ARGUMENTS_MAX + 2];
    int argc;
};

static void split(struct line *l, const uint8_t *data, size_t size)
{
    static char program[] = "fuzz";
    l->text = must_text(data, size);
    l->argv[0] = program;
    l->argc = 1;
    for (size_t at = 0; at < size && l->argc <= ARGUMENTS_MAX; at += strlen(l->text + at) + 1)
        l->argv[l->argc++] = l->text + at;
    l->argv[l->argc] = NULL;
}

static void must_keep_promises(const struct ss_conf *conf, enum ss_program program)
{
    must(conf->servers >= 1 && conf->servers <= SS_SERVERS_MAX && conf->method != NULL);
    for (unsigned i = 0; i < conf->servers; i++)
        must(conf->server[i].port != 0);
    must(ss_programs[program].role == SSP_SERVER ||
         (conf->local_port != 0 && conf->local_address != NULL));
    must(program != SS_TUNNEL || conf->tunnel_address != NULL);
    must(conf->mode <= SSP_TCP_AND_UDP && conf->plugin_mode <= SSP_TCP_AND_UDP);
}

static bool gives_password(const char *option)
{
    return strcmp(option, "-k") == 0 || strcmp(option, "--password") == 0;
}

/* Where the password has been, there are stars.  The same text may stand elsewhere. */
static void must_hide(const struct ss_conf *conf, const struct line *l)
{
    for (int i = 2; i < l->argc && conf->password != NULL && strlen(conf->password) > 8; i++)
        must(strcmp(l->argv[i], conf->password) != 0 || !gives_password(l->argv[i - 1]) ||
             strspn(conf->password, "*") == strlen(conf->password));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line line;
    struct ss_conf conf = {.servers = 0};
    int status = -1;
    if (size < 1 || size > INPUT_MAX || data[0] >= SS_PROGRAMS)
        return 0;
    enum ss_program program = (enum ss_program)data[0];
    split(&line, data + 1, size - 1);
    enum ssp__next next = ss_args_read(&conf, program, line.argc, line.argv, &status);
    if (next == SSP_GO_ON) {
        must_hide(&conf, &line);
        next = ss_conf_check(&conf, program, &status);
        if (next == SSP_GO_ON)
            must_keep_promises(&conf, program);
    }
    must(next == SSP_GO_ON || status == SS_EXIT_OK || status == SS_EXIT_USAGE ||
         status == SS_EXIT_FATAL);
    ss_conf_release(&conf);
    free(line.text);
    return 0;
}
