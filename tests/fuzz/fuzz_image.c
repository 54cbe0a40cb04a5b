/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the head of an executable file: nothing is read past their end, and all text about
 * them is printable. */
#include "must.h"

#include "host/image.h"

static void must_be_printable(const char *text, size_t cap)
{
    size_t n = strnlen(text, cap);
    must(n < cap);
    for (size_t i = 0; i < n; i++)
        must((unsigned char)text[i] >= ' ' && (unsigned char)text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ssp__image image;
    char machine[64];
    if (size > SSP_IMAGE_HEAD)
        return 0;
    ssp__image_parse(&image, data, size);
    must(image.kind <= SSP_IMAGE_OTHER);
    must((image.kind == SSP_IMAGE_FOREIGN) == (image.foreign != NULL));
    must((image.kind == SSP_IMAGE_EMPTY) == (size == 0));
    must_be_printable(image.interpreter, sizeof image.interpreter);
    must(!image.takes_listen_fds || image.kind == SSP_IMAGE_ELF);
    if (image.kind != SSP_IMAGE_ELF)
        return 0;
    ssp__image_machine(&image, machine, sizeof machine);
    must_be_printable(machine, sizeof machine);
    return 0;
}
