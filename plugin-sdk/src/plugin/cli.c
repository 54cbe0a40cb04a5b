/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/cli.h"

#include <ssplugin/log.h>

#include "base/address.h"
#include "base/guess.h"
#include "options/describe.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_NAME_MAX = 128, COMMAND_MAX = 256, LETTERS_MAX = 128, FIRST_ROW = 0x1000 };

/* Rows of the command line that are not options of a plugin. */
enum own_option { HELP = 'h', CHECK = 0x100, VERSION, OPTS, DUMP_OPTIONS };

static const struct option own_rows[] = {
    {"help", no_argument, NULL, HELP},
    {"check", no_argument, NULL, CHECK},
    {"version", no_argument, NULL, VERSION},
    {"opts", required_argument, NULL, OPTS},
    {"dump-options", required_argument, NULL, DUMP_OPTIONS},
};

/* Letters of simple-obfs; those that are plugin options too go through the tables, and an option of
 * one letter is a letter as well.  The colon in front has a missing value told from an unknown
 * letter. */
static const char own_letters[] = ":s:p:l:b:r:t:i:a:n:f:d:v6Vh";

struct parse {
    struct ssp__cli *cli;
    struct ssp__settings *settings;
    char letters[LETTERS_MAX];
    struct option *row; /* owned; the names of options that hide behind others are owned too */
    size_t rows, cap, plain;
    int status;
    char why[512];
};

static const ssp_codec *program(const struct ssp__settings *s)
{
    return &s->layer[0].codec;
}

static size_t count(const ssp_option *table)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    return n;
}

/* Returns whether there was room for it; a dotted name is the row's then. */
static bool add_row(struct parse *p, const char *name, const ssp_option *o)
{
    int argument = o->type == SSP_FLAG ? optional_argument : required_argument;
    if (name == NULL || p->rows + 1 >= p->cap)
        return false;
    p->row[p->rows] = (struct option){name, argument, NULL, FIRST_ROW + (int)p->rows};
    p->rows++;
    return true;
}

static void add_letter(struct parse *p, const ssp_option *o)
{
    size_t len = strlen(p->letters);
    if (o->name[1] != '\0' || o->name[0] == ':' || strchr(p->letters, o->name[0]) != NULL)
        return;
    (void)snprintf(p->letters + len, sizeof p->letters - len, "%s%s", o->name,
                   o->type == SSP_FLAG ? "" : ":");
}

static void add_table(struct parse *p, const ssp_option *table)
{
    for (const ssp_option *o = table; o != NULL && o->name != NULL; o++) {
        (void)add_row(p, o->name, o);
        add_letter(p, o);
    }
}

/* "NAME.option": the way to an option that another codec of the stack has too. */
static void add_dotted(struct parse *p, const ssp_codec *codec)
{
    for (const ssp_option *o = codec->options; o != NULL && o->name != NULL; o++) {
        char name[LONG_NAME_MAX];
        (void)snprintf(name, sizeof name, "%s.%s", codec->name, o->name);
        char *kept = strdup(name);
        if (!add_row(p, kept, o))
            free(kept);
    }
}

static int make_rows(struct parse *p)
{
    const struct ssp__settings *s = p->settings;
    size_t own = sizeof own_rows / sizeof *own_rows;
    p->cap = own + count(ssp__builtin_options()) + 1;
    for (size_t i = 0; i < s->layers; i++)
        p->cap += 2 * count(s->layer[i].codec.options);
    (void)snprintf(p->letters, sizeof p->letters, "%s", own_letters);
    p->row = calloc(p->cap, sizeof *p->row);
    if (p->row == NULL)
        return -1;
    for (p->rows = 0; p->rows < own; p->rows++)
        p->row[p->rows] = own_rows[p->rows];
    for (size_t i = 0; i < s->layers; i++)
        add_table(p, s->layer[i].codec.options);
    add_table(p, ssp__builtin_options());
    p->plain = p->rows;
    for (size_t i = 0; i < s->layers && s->layers > 1; i++)
        add_dotted(p, &s->layer[i].codec);
    return 0;
}

static void free_rows(struct parse *p)
{
    for (size_t i = p->plain; i < p->rows; i++)
        free((void *)(uintptr_t)p->row[i].name);
    free(p->row);
}

/* ---- help ---- */

static bool has_role(const struct ssp__settings *s, ssp_role role)
{
    return (ssp__settings_roles(s) & 1u << role) != 0;
}

static void print_usage(const struct ssp__settings *s)
{
    const char *name = program(s)->name;
    static const char form[] = "  %s: %s -l [HOST:]PORT -r HOST:PORT [options]\n";
    if (has_role(s, SSP_CLIENT))
        printf(form, "client", name);
    if (has_role(s, SSP_SERVER))
        printf(form, "server", name);
    printf("\nUnder a SIP003 host the addresses come from SS_REMOTE_HOST, SS_REMOTE_PORT,\n"
           "SS_LOCAL_HOST and SS_LOCAL_PORT, the options from SS_PLUGIN_OPTIONS.\n\n");
}

static void print_example(const struct ssp__settings *s, ssp_role role, const char *command,
                          const char *option)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    ssp__describe_example(out, s, role);
    if (fclose(out) == 0)
        printf("  %s%s%s%s%s\n", command, size > 0 ? option : "", size > 0 ? " '" : "", text,
               size > 0 ? "'" : "");
    free(text);
}

/* On its own, and under a host. */
static void print_examples(const struct ssp__settings *s, ssp_role role)
{
    const char *name = program(s)->name;
    bool server = role == SSP_SERVER;
    char command[COMMAND_MAX];
    printf("\nExamples:\n");
    (void)snprintf(command, sizeof command, "%s %s%s", name,
                   server ? "-l 0.0.0.0:443 -r 127.0.0.1:8388" : "-l 1984 -r 203.0.113.5:443",
                   server && has_role(s, SSP_CLIENT) ? " --server" : "");
    print_example(s, role, command, " --opts");
    (void)snprintf(command, sizeof command, "%s -c config.json --plugin %s",
                   server ? "ss-server" : "ss-local", name);
    print_example(s, role, command, " --plugin-opts");
}

void ssp__cli_help(const struct ssp__settings *s, ssp_role role)
{
    ssp__describe_title(stdout, s);
    print_usage(s);
    ssp__describe_help(stdout, s);
    printf("\nOn the command line:\n"
           "  -s HOST, -p PORT  the server's; repeat -s for several\n"
           "  -l [HOST:]PORT address to listen on\n"
           "  -b ADDRESS     client: local address; server: outgoing address\n"
           "  -r HOST:PORT   address to forward to\n"
           "  -n NUMBER      limit of open files\n"
           "  -f FILE        run in the background, write the pid to FILE\n"
           "  -V             show outgoing sockets to an Android VPN (protect_path)\n"
           "  --NAME VALUE   any option above, as in --t 60\n"
           "  --opts STRING  options as in SS_PLUGIN_OPTIONS\n"
           "  --check        validate, then exit\n"
           "  --dump-options json|md  print the table of options\n"
           "  --version, --help\n");
    print_examples(s, role);
}

/* ---- the words of argv ---- */

static enum ssp__next leave(struct parse *p, int status)
{
    p->status = status;
    return SSP_EXIT_WITH;
}

static enum ssp__next complain(struct parse *p, int status)
{
    ssp_error("%s", p->why);
    return leave(p, status);
}

static enum ssp__next apply(struct parse *p, const char *key, const char *value)
{
    int rc = ssp__settings_apply(p->settings, key, value, p->why, sizeof p->why);
    return rc == -1 ? complain(p, SSP_EXIT_CONFIG) : SSP_GO_ON;
}

static enum ssp__next apply_letter(struct parse *p, char letter)
{
    const char key[] = {letter, '\0'};
    return apply(p, key, optarg);
}

static enum ssp__next set_nofile(struct parse *p)
{
    char *end;
    unsigned long n = strtoul(optarg, &end, 10);
    if (*end == '\0' && end != optarg && n > 0 && n <= INT32_MAX) {
        p->cli->nofile = (unsigned)n;
        return SSP_GO_ON;
    }
    (void)snprintf(p->why, sizeof p->why, "-n %.40s: expected a number of files", optarg);
    return complain(p, SSP_EXIT_USAGE);
}

static enum ssp__next apply_opts(struct parse *p)
{
    int rc = ssp__settings_parse(p->settings, optarg, p->cli->on_unknown, p->cli->arg, p->why,
                                 sizeof p->why);
    return rc == 0 ? SSP_GO_ON : complain(p, SSP_EXIT_CONFIG);
}

static enum ssp__next dump_options(struct parse *p)
{
    if (strcmp(optarg, "json") == 0) {
        ssp__describe_json(stdout, p->settings);
        return leave(p, SSP_EXIT_OK);
    }
    if (strcmp(optarg, "md") == 0) {
        ssp__describe_markdown(stdout, p->settings);
        return leave(p, SSP_EXIT_OK);
    }
    (void)snprintf(p->why, sizeof p->why, "--dump-options %.40s: expected json or md", optarg);
    return complain(p, SSP_EXIT_USAGE);
}

static enum ssp__next note_address(struct parse *p, int letter)
{
    struct ssp__cli *cli = p->cli;
    if (cli->addresses == SSP_CLI_ADDRESSES_MAX) {
        (void)snprintf(p->why, sizeof p->why, "too many addresses");
        return complain(p, SSP_EXIT_USAGE);
    }
    cli->address[cli->addresses].letter = letter;
    cli->address[cli->addresses++].text = optarg;
    return SSP_GO_ON;
}

static const char *guess(const struct parse *p, const char *name)
{
    struct ssp__guess guess;
    ssp__guess_begin(&guess, name);
    for (size_t i = 0; i < p->rows; i++)
        (void)ssp__guess_offer(&guess, p->row[i].name);
    return guess.best;
}

/* getopt_long leaves a letter in optopt, or the value of a row that takes no argument, and 0 for a
 * name. */
static enum ssp__next misunderstood(struct parse *p, int option, const char *word)
{
    char name[LONG_NAME_MAX];
    const char *shown =
        optopt != 0 && optopt < CHECK ? (const char[]){'-', (char)optopt, '\0'} : word;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(shown, "="), shown);
    const char *close = name[1] == '-' && optopt == 0 ? guess(p, name + 2) : NULL;
    if (option == ':')
        (void)snprintf(p->why, sizeof p->why, "%s: nothing follows, expected a value", name);
    else if (close != NULL && strcmp(close, name + 2) != 0)
        (void)snprintf(p->why, sizeof p->why, "unknown option %s (did you mean --%s?)", name,
                       close);
    else
        (void)snprintf(p->why, sizeof p->why, "unknown option %s; see --help", name);
    return complain(p, SSP_EXIT_USAGE);
}

static enum ssp__next take(struct parse *p, int option)
{
    if (option >= FIRST_ROW)
        return apply(p, p->row[option - FIRST_ROW].name, optarg);
    switch (option) {
    case HELP:
        p->cli->help = true;
        return SSP_GO_ON;
    case VERSION:
        printf("%s %s\n", program(p->settings)->name, program(p->settings)->version);
        return leave(p, SSP_EXIT_OK);
    case CHECK:
        p->cli->check = true;
        return SSP_GO_ON;
    case OPTS:
        return apply_opts(p);
    case DUMP_OPTIONS:
        return dump_options(p);
    case 's':
    case 'p':
    case 'l':
    case 'b':
    case 'r':
        return note_address(p, option);
    case 'n':
        return set_nofile(p);
    case 'f':
        p->cli->pid_file = optarg;
        return SSP_GO_ON;
    case 'd': /* a resolver of simple-obfs' that it ignores as well */
        return SSP_GO_ON;
    case 'V': /* some hosts on Android pass it */
        p->settings->builtin.android_vpn = 1;
        return SSP_GO_ON;
    default:
        return apply_letter(p, (char)option);
    }
}

enum ssp__next ssp__cli_read(struct ssp__cli *cli, struct ssp__settings *settings, int argc,
                             char **argv, int *status)
{
    struct parse p = {.cli = cli, .settings = settings};
    enum ssp__next next = SSP_GO_ON;
    int option;
    *status = SSP_EXIT_OS;
    if (make_rows(&p) == -1) {
        ssp_error("command line: out of memory");
        return SSP_EXIT_WITH;
    }
    optind = 1;
    opterr = 0;
    while (next == SSP_GO_ON && (option = getopt_long(argc, argv, p.letters, p.row, NULL)) != -1)
        next = option == '?' || option == ':' ? misunderstood(&p, option, argv[optind - 1])
                                              : take(&p, option);
    if (next == SSP_GO_ON && optind < argc) {
        (void)snprintf(p.why, sizeof p.why, "unexpected argument %.200s", argv[optind]);
        next = complain(&p, SSP_EXIT_USAGE);
    }
    free_rows(&p);
    *status = p.status;
    return next;
}

/* ---- addresses ---- */

struct placing {
    struct ssp__cli *cli;
    struct ssp__settings *settings;
    ssp_env *env;
    const char *remote_port;             /* -p; -r of a client, -l of a server */
    const char *local_host, *local_port; /* -b and -l of a client, -r of a server */
    char *why;
    size_t why_cap;
};

static int add_remote_host(struct placing *p, const char *host)
{
    char *hosts = p->cli->remote_host;
    size_t len = strlen(hosts);
    int n = snprintf(hosts + len, SSP_CLI_HOSTS_MAX - len, "%s%s", len > 0 ? "|" : "", host);
    if (n >= 0 && (size_t)n < SSP_CLI_HOSTS_MAX - len)
        return 0;
    (void)snprintf(p->why, p->why_cap, "too many server addresses");
    return -1;
}

/* -l or -r HOST:PORT: the addresses to listen on and to dial.  Which of the contract's two
 * addresses that is depends on the role. */
static int set_pair(struct placing *p, int letter, const char *text)
{
    struct ssp__endpoint e;
    char *host = letter == 'l' ? p->cli->listen : p->cli->dial;
    bool local = (letter == 'l') == (p->env->role != SSP_SERVER);
    if (ssp__endpoint_parse(&e, text, 0) == -1) {
        (void)snprintf(p->why, p->why_cap, "-%c %.200s: expected HOST:PORT or [IPV6]:PORT", letter,
                       text);
        return -1;
    }
    if (!local && p->remote_port != NULL && ssp_port_parse(p->remote_port) != e.port) {
        (void)snprintf(p->why, p->why_cap, "-%c %.200s: several addresses share one port, %.20s",
                       letter, text, p->remote_port);
        return -1;
    }
    char literal[SSP_HOST_MAX];
    int n = snprintf(host, SSP_CLI_PAIR_MAX, "%s", ssp__endpoint_host(&e, literal));
    char *port = host + n + 1;
    (void)snprintf(port, SSP_CLI_PAIR_MAX - (size_t)n - 1, "%u", e.port);
    *(local ? &p->local_port : &p->remote_port) = port;
    if (!local)
        return add_remote_host(p, host);
    p->local_host = host;
    return 0;
}

static int place(struct placing *p, int letter, const char *text)
{
    bool client = p->env->role != SSP_SERVER;
    if (letter == 's')
        return add_remote_host(p, text);
    if (letter == 'r' || (letter == 'l' && strchr(text, ':') != NULL))
        return set_pair(p, letter, text);
    if (letter == 'b' && !client)
        return ssp__settings_apply(p->settings, "b", text, p->why, p->why_cap);
    if (letter == 'p')
        p->remote_port = text;
    else if (letter == 'b')
        p->local_host = text;
    else if (client) /* -l PORT, which servers of simple-obfs accept and ignore */
        p->local_port = text;
    return 0;
}

static void override(const char **field, const char *given, const char *dflt)
{
    if (given != NULL)
        *field = given;
    else if (*field == NULL)
        *field = dflt;
}

int ssp__cli_place(struct ssp__cli *cli, struct ssp__settings *settings, ssp_env *env, char *why,
                   size_t why_cap)
{
    struct placing p = {cli, settings, env, NULL, NULL, NULL, why, why_cap};
    bool client = env->role == SSP_CLIENT;
    for (unsigned i = 0; i < cli->addresses; i++) {
        if (place(&p, cli->address[i].letter, cli->address[i].text) == -1)
            return -1;
    }
    override(&env->remote_host, cli->remote_host[0] != '\0' ? cli->remote_host : NULL, NULL);
    override(&env->remote_port, p.remote_port, NULL);
    override(&env->local_host, p.local_host, client ? "127.0.0.1" : NULL);
    override(&env->local_port, p.local_port, NULL);
    const char *missing = NULL;
    if (env->remote_host == NULL)
        missing = client ? "the server's address (-s)" : "an address to listen on (-s)";
    else if (env->remote_port == NULL)
        missing = "the server's port (-p)";
    else if (env->local_port == NULL || env->local_host == NULL)
        missing = client ? "the local port (-l)" : "the address to forward to (-r)";
    if (missing == NULL)
        return 0;
    (void)snprintf(why, why_cap, "%s is missing; see --help", missing);
    return -1;
}
