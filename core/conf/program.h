/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - the programs that share configuration and start: a row for each.
 */
#ifndef SS_CONF_PROGRAM_H
#define SS_CONF_PROGRAM_H

#include <ssplugin/env.h>

/* At most eight: SS_FOR_ALL in fields.h. */
enum ss_program { SS_LOCAL, SS_SERVER, SS_TUNNEL, SS_REDIR, SS_MANAGER, SS_PROGRAMS };

struct ss_program_row {
    const char *name;
    ssp_role role;        /* of the program, and of a plugin that it runs */
    const char *summary;  /* one line */
    const char *examples; /* one a line, indented by two */
};

extern const struct ss_program_row ss_programs[SS_PROGRAMS];

#endif
