/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/options.h"

#include "base/guess.h"
#include "conf/acl_file.h"
#include "conf/dump.h"
#include "conf/secrets.h"
#include "conf/server_url.h"
#include "conf/servers.h"
#include "formats/url.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long names a row of the table by FIRST_ROW and its index, and a letter by itself. */
enum { ROWS_MAX = 128, FIRST_ROW = 256 };

/* The arguments of getopt_long, made from the table. */
struct grammar {
    char letters[2 + 2 * ROWS_MAX];
    struct option names[ROWS_MAX + 1];
};

static bool last(const struct ss_option *row)
{
    return row->programs == 0;
}

static bool offers(const struct ss_option *row, enum ss_program program)
{
    return (row->programs & 1U << program) != 0 && (row->letter != 0 || row->name != NULL);
}

static void derive(struct grammar *g, enum ss_program program)
{
    /* With the colon, getopt reports a missing argument as ':' and an unknown option as '?'. */
    *g = (struct grammar){.letters = ":"};
    char *letter = g->letters + 1;
    struct option *name = g->names;
    for (int i = 0; i < ROWS_MAX && !last(&ss_options[i]); i++) {
        const struct ss_option *row = &ss_options[i];
        if (!offers(row, program))
            continue;
        if (row->letter != 0)
            *letter++ = row->letter;
        if (row->letter != 0 && row->argument != NULL)
            *letter++ = ':';
        if (row->name != NULL)
            *name++ = (struct option){
                .name = row->name,
                .has_arg = row->argument != NULL ? required_argument : no_argument,
                .val = FIRST_ROW + i,
            };
    }
}

static const struct ss_option *row_of(int code, enum ss_program program)
{
    if (code >= FIRST_ROW)
        return &ss_options[code - FIRST_ROW];
    for (const struct ss_option *row = ss_options; !last(row); row++) {
        if (offers(row, program) && row->letter != 0 && row->letter == code)
            return row;
    }
    return NULL;
}

/* "-p" or "--plugin", as the option is best known. */
static const char *title(char out[SS_QUOTE_MAX], const struct ss_option *row, int code)
{
    if (row->name != NULL && code >= FIRST_ROW)
        (void)snprintf(out, SS_QUOTE_MAX, "--%s", row->name);
    else
        (void)snprintf(out, SS_QUOTE_MAX, "-%c", row->letter);
    return out;
}

/* The long option that is closest to text, which includes the dashes. */
static const char *closest(const char *text, enum ss_program program)
{
    char name[SS_QUOTE_MAX];
    struct ssp__guess guess;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(text + 2, "="), text + 2);
    ssp__guess_begin(&guess, name);
    for (const struct ss_option *row = ss_options; !last(row); row++) {
        if (offers(row, program) && row->name != NULL)
            (void)ssp__guess_offer(&guess, row->name);
    }
    return guess.best;
}

/* Leaves out the value: that of a misspelled --password is a secret, too. */
static void refuse_unknown(const struct ss_origin *origin, const char *word)
{
    const char *name = ss_programs[origin->program].name;
    const char *meant = optopt == 0 ? closest(word, origin->program) : NULL;
    int len = (int)strcspn(word, "=");
    if (meant != NULL)
        ss_complain(origin, "unknown option %.*s (did you mean --%s?)", len, word, meant);
    else if (optopt != 0)
        ss_complain(origin, "unknown option -%c (%s -h lists the options)", optopt, name);
    else
        ss_complain(origin, "unknown or ambiguous option %.*s (%s -h lists the options)", len, word,
                    name);
}

/* code is the result of getopt_long, word the argument that it has read last. */
static void refuse(enum ss_program program, int code, const char *word)
{
    char name[SS_QUOTE_MAX];
    struct ss_origin origin = {.program = program};
    const struct ss_option *row = optopt != 0 ? row_of(optopt, program) : NULL;
    if (row == NULL) {
        refuse_unknown(&origin, word);
        return;
    }
    origin.name = title(name, row, optopt);
    if (code == ':')
        ss_complain(&origin, "missing argument (expected <%s>)", row->argument);
    else
        ss_complain(&origin, "takes no value");
}

/* The command line of a process is public: secrets must not stay there. */
static void hide(char *argument)
{
    memset(argument, '*', strlen(argument));
}

static enum ssp__next set(struct ss_conf *conf, const struct ss_option *row,
                          const struct ss_origin *origin, int *status)
{
    const struct ss_field *field = ss_field_find(row->field);
    const char *text = row->argument != NULL ? optarg : row->constant;
    int rc = ss_field_set(conf, field, origin, text);
    bool secret = (field->flags & SS_SECRET) != 0 && field->kind == SS_KIND_TEXT;
    if (row->argument != NULL && (secret || ss_url_is(text)))
        hide(optarg);
    bool fatal = field->kind == SS_KIND_METHOD || field->kind == SS_KIND_TARGET;
    *status = fatal ? SS_EXIT_FATAL : SS_EXIT_USAGE;
    return rc == 0 ? SSP_GO_ON : SSP_EXIT_WITH;
}

static enum ssp__next act(struct ss_conf *conf, enum ss_program program, int code, int *status)
{
    char name[SS_QUOTE_MAX];
    const struct ss_option *row = row_of(code, program);
    struct ss_origin origin = {.program = program, .name = title(name, row, code)};
    switch (row->act) {
    case SS_ACT_SET:
        return set(conf, row, &origin, status);
    case SS_ACT_FILE:
        conf->file = optarg;
        return SSP_GO_ON;
    case SS_ACT_IMPORT:
        *status = ss_conf_import(program, optarg);
        break;
    case SS_ACT_IGNORE:
        return SSP_GO_ON;
    case SS_ACT_GENKEY:
        *status = ss_secrets_print_new_key(&origin, optarg);
        break;
    case SS_ACT_HELP:
        ss_help_print(program);
        *status = ss_answered(program);
        break;
    case SS_ACT_VERSION:
        ss_version_print();
        *status = ss_answered(program);
        break;
    case SS_ACT_OTA:
        ss_complain(&origin, "One time auth has been deprecated. Try AEAD ciphers instead.");
        *status = SS_EXIT_FATAL;
        break;
    }
    return SSP_EXIT_WITH;
}

/* Arguments that belong to no option: URLs of servers, or targets for an access list. */
static enum ssp__next take_operands(struct ss_conf *conf, enum ss_program program, int n,
                                    char **operand, int *status)
{
    const struct ss_origin origin = {.program = program};
    int rc = 0;
    if (conf->acl_test != NULL) {
        *status = ss_acl_file_test(program, conf->acl_test, n, operand);
        return SSP_EXIT_WITH;
    }
    for (int i = 0; i < n; i++) {
        char quote[SS_QUOTE_MAX];
        if (ss_url_is(operand[i])) {
            rc |= ss_server_url_add(conf, &origin, operand[i]);
            hide(operand[i]);
        } else {
            ss_complain(&origin, "unexpected argument %s, ignored", ss_quote(quote, operand[i]));
        }
    }
    *status = SS_EXIT_USAGE;
    if (rc != 0)
        return SSP_EXIT_WITH;
    *status = SS_EXIT_FATAL;
    rc = ss_servers_settle(conf, &origin) | ss_servers_seal(conf);
    return rc == 0 ? SSP_GO_ON : SSP_EXIT_WITH;
}

/* Hides text, which lies in the copy, where it is in the original. */
static bool hide_original(int argc, char **argv, char **copy, const char *text)
{
    for (int i = 0; i < argc; i++) {
        size_t at = (size_t)(text - copy[i]);
        if (text >= copy[i] && at <= strlen(copy[i]))
            hide(argv[i] + at);
    }
    return true;
}

static bool is_secret(const struct ss_option *row)
{
    const struct ss_field *field =
        row != NULL && row->field != NULL ? ss_field_find(row->field) : NULL;
    return field != NULL && (field->flags & SS_SECRET) != 0 && field->kind == SS_KIND_TEXT;
}

/* getopt_long changes the order of what it is given.  Returns whether there were any. */
static bool hide_secrets(enum ss_program program, int argc, char **argv, char **copy,
                         char **ordered)
{
    struct grammar grammar;
    bool any = false;
    int code;
    derive(&grammar, program);
    opterr = 0;
    optind = 0;
    while ((code = getopt_long(argc, ordered, grammar.letters, grammar.names, NULL)) != -1) {
        const struct ss_option *row = code != '?' && code != ':' ? row_of(code, program) : NULL;
        if (optarg != NULL && (is_secret(row) || ss_url_is(optarg)))
            any = hide_original(argc, argv, copy, optarg);
    }
    for (int i = optind; i < argc; i++) {
        if (ss_url_is(ordered[i]))
            any = hide_original(argc, argv, copy, ordered[i]);
    }
    return any;
}

void ss_args_free(int argc, char **own)
{
    for (int i = 0; own != NULL && i < argc; i++)
        ss_secret_free(own[i]);
    free(own);
}

char **ss_args_copy(int argc, char *const *argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    for (int i = 0; copy != NULL && i < argc; i++) {
        copy[i] = strdup(argv[i]);
        if (copy[i] == NULL) {
            ss_args_free(i, copy);
            return NULL;
        }
    }
    return copy;
}

char **ss_args_own(enum ss_program program, int argc, char **argv, bool *secret)
{
    char **copy = ss_args_copy(argc, argv);
    char **ordered = calloc((size_t)argc + 1, sizeof *ordered);
    if (copy != NULL && ordered != NULL) {
        memcpy(ordered, copy, (size_t)argc * sizeof *ordered);
        *secret = hide_secrets(program, argc, argv, copy, ordered);
    } else {
        ss_args_free(argc, copy);
        copy = NULL;
    }
    free(ordered);
    return copy;
}

enum ssp__next ss_args_read(struct ss_conf *conf, enum ss_program program, int argc, char **argv,
                            int *status)
{
    struct grammar grammar;
    derive(&grammar, program);
    opterr = 0;
    optind = 0; /* resets getopt_long, in case argv is not the first */
    for (;;) {
        int code = getopt_long(argc, argv, grammar.letters, grammar.names, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':') {
            refuse(program, code, argv[optind - 1]);
            *status = SS_EXIT_USAGE;
            return SSP_EXIT_WITH;
        }
        if (act(conf, program, code, status) == SSP_EXIT_WITH)
            return SSP_EXIT_WITH;
    }
    return take_operands(conf, program, argc - optind, argv + optind, status);
}
