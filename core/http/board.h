/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.h - the metrics of a process as tables for people, or as JSON: ports, users, servers and
 * plugins, a row each.
 */
#ifndef SS_HTTP_BOARD_H
#define SS_HTTP_BOARD_H

#include <stdio.h>

struct ss_board;

/* Takes the text of metrics, which it changes.  NULL when memory is out. */
struct ss_board *ss_board_read(char *text);
void ss_board_free(struct ss_board *board); /* accepts NULL */

/* At most `lines` lines of `columns` characters; 0: no limit. */
void ss_board_print(const struct ss_board *board, FILE *out, unsigned lines, unsigned columns);
void ss_board_json(const struct ss_board *board, FILE *out);

#endif
