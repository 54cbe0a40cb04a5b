/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/text.h"

#include <stdlib.h>
#include <string.h>

int ss_text_replace(char **text, const char *value)
{
    char *copy = value != NULL ? strdup(value) : NULL;
    if (copy == NULL)
        return value == NULL ? 0 : -1;
    free(*text);
    *text = copy;
    return 0;
}

void ss_text_drop(char **text, bool secret)
{
    if (*text != NULL && secret)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}
