/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/options.h"

#include "proto/method.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 33, NAME_SIZE = 64, WIDTH = 78 };

void ss_version_print(void)
{
    printf("shadowplug %s\n", SS_VERSION);
}

/* "  -k, --password <password>" */
static void left(char out[NAME_SIZE], const struct ss_option *row)
{
    char letter[8] = "    ", argument[24] = "";
    if (row->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c%s", row->letter, row->name != NULL ? ", " : "");
    if (row->argument != NULL)
        (void)snprintf(argument, sizeof argument, " <%s>", row->argument);
    (void)snprintf(out, NAME_SIZE, "  %s%s%s%s", letter, row->name != NULL ? "--" : "",
                   row->name != NULL ? row->name : "", argument);
}

static void print_option(const struct ss_option *row)
{
    char name[NAME_SIZE];
    left(name, row);
    const char *text = row->help;
    for (;;) {
        int len = (int)strcspn(text, "\n");
        printf("%-*s%.*s\n", COLUMN, name, len, text);
        if (text[len] == '\0')
            return;
        text += len + 1;
        name[0] = '\0';
    }
}

/* The methods, folded. */
static void print_methods(void)
{
    size_t column = WIDTH;
    for (size_t i = 0; ss_method_at(i) != NULL; i++) {
        const char *name = ss_method_at(i)->name;
        bool folds = column + strlen(name) + 2 > WIDTH;
        column = (folds ? 2 : column) + strlen(name) + 2;
        printf("%s%s%s", i == 0 ? "" : ",", folds && i > 0 ? "\n  " : i == 0 ? "  " : " ", name);
    }
    printf("\n");
}

void ss_help_print(enum ss_program program)
{
    const char *name = ss_programs[program].name;
    printf("%s: %s\n", name, ss_programs[program].summary);
    printf("(shadowplug %s, compatible with shadowsocks-libev)\n\n", SS_VERSION);
    printf("usage: %s [options]\n       %s -c <file>\n", name, name);
    for (const struct ss_option *row = ss_options; row->programs != 0; row++) {
        bool group = row->letter == 0 && row->name == NULL;
        if (row->help == NULL || (row->programs & 1U << program) == 0)
            continue;
        if (group)
            printf("\n%s\n", row->help);
        else
            print_option(row);
    }
    printf("\nMethods\n");
    print_methods();
    if (program != SS_MANAGER)
        printf(
            "\nWithout any argument the file is $XDG_CONFIG_HOME/shadowsocks-libev/config.json,\n"
            "~/.config/shadowsocks-libev/config.json or /etc/shadowsocks-libev/config.json.\n");
    printf("\nExamples\n%s", ss_programs[program].examples);
}
