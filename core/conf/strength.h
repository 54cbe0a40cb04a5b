/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strength.h - an upper bound for what a password is worth.
 */
#ifndef SS_CONF_STRENGTH_H
#define SS_CONF_STRENGTH_H

/* One bit of work more than this is beyond an attacker who has recorded a connection. */
enum { SS_STRENGTH_ENOUGH = 80 };

/*
 * The bits of a random text of this length and these kinds of characters: 26 small letters, 26
 * capitals, 10 digits, 33 others of ASCII, 128 beyond it.  A character that repeats the one before,
 * or is its neighbour in the alphabet, counts nothing ("aaaa", "1234").
 *
 * A text that a person has made up is worth less: words and dates are not looked for.
 */
unsigned ss_strength_bits(const char *password);

#endif
