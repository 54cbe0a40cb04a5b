/* SPDX-License-Identifier: Apache-2.0 */
#include "host/image.h"

#include <ssplugin/lifecycle.h>

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include <cmocka.h>

static struct ssp__image of(const void *head, size_t n)
{
    struct ssp__image image;
    ssp__image_parse(&image, head, n);
    return image;
}

static struct ssp__image of_text(const char *head)
{
    return of(head, strlen(head));
}

static void a_script_names_its_interpreter(void **unused)
{
    (void)unused;
    assert_int_equal(of_text("#!/bin/sh\n").kind, SSP_IMAGE_SCRIPT);
    assert_string_equal(of_text("#!/bin/sh\n").interpreter, "/bin/sh");
    assert_string_equal(of_text("#! \t/usr/bin/env python3\n").interpreter, "/usr/bin/env");
    assert_string_equal(of_text("#!/bin/sh").interpreter, "/bin/sh");
    assert_string_equal(of_text("#!").interpreter, "");
    assert_string_equal(of_text("#!\n").interpreter, "");
}

static void a_carriage_return_at_the_end_of_the_first_line_is_seen(void **unused)
{
    (void)unused;
    struct ssp__image image = of_text("#!/bin/sh\r\necho\r\n");
    assert_true(image.crlf);
    assert_string_equal(image.interpreter, "/bin/sh");
    assert_true(of_text("#!/bin/sh -e\r\n").crlf);
    assert_false(of_text("#!/bin/sh\necho\r\n").crlf);
    assert_false(of_text("#!/bin/sh").crlf);
}

static void an_interpreter_is_printable_and_short(void **unused)
{
    char line[SSP_IMAGE_HEAD];
    (void)unused;
    assert_string_equal(of_text("#!/\033[31m\x7f/\xffsh\n").interpreter, "/?[31m?/?sh");
    memset(line, 'a', sizeof line);
    memcpy(line, "#!", 2);
    assert_int_equal(strlen(of(line, sizeof line).interpreter), SSP_IMAGE_TEXT - 1);
}

/* ---- notes ---- */

enum { TABLE_AT = 64, NOTES_AT = 256 };

struct note {
    const char *owner, *text;
    uint32_t type;
};

static size_t put_note(uint8_t *at, const struct note *note, size_t align)
{
    size_t owner = strlen(note->owner) + 1, text = strlen(note->text) + 1;
    Elf64_Nhdr head = {(Elf64_Word)owner, (Elf64_Word)text, note->type};
    size_t text_at = (sizeof head + owner + align - 1) / align * align;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, note->owner, owner);
    memcpy(at + text_at, note->text, text);
    return (text_at + text + align - 1) / align * align;
}

/* A program with one segment of notes.  Returns the length of the whole. */
static size_t program_with(uint8_t file[SSP_IMAGE_HEAD], const struct note *note, size_t n,
                           size_t align)
{
    memset(file, 0, SSP_IMAGE_HEAD);
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += put_note(file + NOTES_AT + len, &note[i], align);
    Elf64_Ehdr head = {.e_ident = ELFMAG, .e_phoff = TABLE_AT, .e_phnum = 1};
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    Elf64_Phdr row = {.p_type = PT_NOTE, .p_offset = NOTES_AT, .p_filesz = len, .p_align = align};
    memcpy(file, &head, sizeof head);
    memcpy(file + TABLE_AT, &row, sizeof row);
    return NOTES_AT + len;
}

static const struct note taker = {SSP_NOTE_OWNER, SSP_NOTE_LISTEN_FDS, SSP_NOTE_TAKES};

static void a_plugin_says_by_a_note_that_it_takes_a_socket(void **unused)
{
    static const struct note several[] = {{"GNU", "id", 3},
                                          {"stapsdt", "a probe of some length", 3},
                                          {SSP_NOTE_OWNER, SSP_NOTE_LISTEN_FDS, SSP_NOTE_TAKES},
                                          {"GNU", "more", 5}};
    uint8_t file[SSP_IMAGE_HEAD];
    (void)unused;
    assert_true(of(file, program_with(file, &taker, 1, 4)).takes_listen_fds);
    assert_true(of(file, program_with(file, &taker, 1, 8)).takes_listen_fds);
    assert_true(of(file, program_with(file, several, 4, 4)).takes_listen_fds);
    assert_true(of(file, program_with(file, several, 4, 8)).takes_listen_fds);
}

static void a_plugin_says_by_another_that_it_shares_a_port(void **unused)
{
    static const struct note both[] = {{SSP_NOTE_OWNER, SSP_NOTE_LISTEN_FDS, SSP_NOTE_TAKES},
                                       {SSP_NOTE_OWNER, SSP_NOTE_LISTEN_FDS, SSP_NOTE_SHARES}};
    uint8_t file[SSP_IMAGE_HEAD];
    (void)unused;
    assert_true(of(file, program_with(file, both, 2, 4)).shares_port);
    assert_true(of(file, program_with(file, both, 2, 4)).takes_listen_fds);
    assert_false(of(file, program_with(file, both, 1, 4)).shares_port);
    assert_false(of(file, program_with(file, &both[1], 1, 4)).takes_listen_fds);
}

static void other_notes_say_nothing(void **unused)
{
    static const struct note others[] = {{"SIP004", SSP_NOTE_LISTEN_FDS, SSP_NOTE_TAKES},
                                         {SSP_NOTE_OWNER, "LISTEN_FD", SSP_NOTE_TAKES},
                                         {SSP_NOTE_OWNER, SSP_NOTE_LISTEN_FDS, 2}};
    uint8_t file[SSP_IMAGE_HEAD];
    (void)unused;
    assert_false(of(file, program_with(file, others, 3, 4)).takes_listen_fds);
    assert_false(of(file, program_with(file, others, 0, 4)).takes_listen_fds);
}

static void a_cut_or_lying_note_is_none(void **unused)
{
    uint8_t file[SSP_IMAGE_HEAD];
    (void)unused;
    /* The text has one byte of padding behind it. */
    for (size_t n = program_with(file, &taker, 1, 4) - 2; n > 0; n--)
        assert_false(of(file, n).takes_listen_fds);
    for (size_t at = 0; at < 12; at++) {
        size_t n = program_with(file, &taker, 1, 4);
        memset(file + NOTES_AT + at / 4 * 4, 0xff, 4);
        assert_false(of(file, n).takes_listen_fds);
    }
}

static void files_of_known_kinds_are_named(void **unused)
{
    (void)unused;
    assert_string_equal(of_text("\x1f\x8b\x08").foreign, "a gzip archive");
    assert_string_equal(of_text("MZ\x90").foreign, "a program for Windows");
    assert_string_equal(of_text("<!DOCTYPE html>").foreign, "a web page");
    assert_int_equal(of_text("echo hello\n").kind, SSP_IMAGE_OTHER);
    assert_int_equal(of("", 0).kind, SSP_IMAGE_EMPTY);
}

/* An ELF file of a machine that is not ours, with a loader that the second header names. */
static size_t elf32_of_big_mips(uint8_t head[256])
{
    static const char loader[] = "/lib/ld.so.1";
    memset(head, 0, 256);
    memcpy(head, ELFMAG "\x01\x02\x01", 7); /* 32 bits, big-endian */
    head[offsetof(Elf32_Ehdr, e_machine) + 1] = EM_MIPS;
    head[offsetof(Elf32_Ehdr, e_phoff) + 3] = sizeof(Elf32_Ehdr);
    head[offsetof(Elf32_Ehdr, e_phnum) + 1] = 2;
    uint8_t *row = head + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr);
    row[offsetof(Elf32_Phdr, p_filesz) + 3] = sizeof loader;
    row[3] = PT_INTERP;
    row[offsetof(Elf32_Phdr, p_offset) + 3] = 200;
    memcpy(head + 200, loader, sizeof loader);
    return 256;
}

static void an_elf_file_names_machine_and_loader_in_either_byte_order(void **unused)
{
    uint8_t head[256];
    char text[SSP_IMAGE_TEXT];
    (void)unused;
    struct ssp__image image = of(head, elf32_of_big_mips(head));
    assert_int_equal(image.kind, SSP_IMAGE_ELF);
    assert_string_equal(image.interpreter, "/lib/ld.so.1");
    ssp__image_machine(&image, text, sizeof text);
    assert_string_equal(text, "mips (32-bit, big-endian)");
}

static void a_truncated_elf_file_is_read_within_its_bounds(void **unused)
{
    uint8_t head[256];
    (void)unused;
    (void)elf32_of_big_mips(head);
    for (size_t n = 4; n < 256; n++) {
        uint8_t *exact = malloc(n); /* so that a sanitizer sees a step too far */
        assert_non_null(exact);
        memcpy(exact, head, n);
        assert_int_equal(of(exact, n).kind, SSP_IMAGE_ELF);
        free(exact);
    }
}

static void offsets_beyond_the_file_are_ignored(void **unused)
{
    uint8_t head[256];
    (void)unused;
    (void)elf32_of_big_mips(head);
    memset(head + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, p_offset), 0xff,
           4);
    assert_string_equal(of(head, sizeof head).interpreter, "");
    memset(head + offsetof(Elf32_Ehdr, e_phoff), 0xff, 4);
    assert_string_equal(of(head, sizeof head).interpreter, "");
    head[EI_CLASS] = ELFCLASS64;
    memset(head + offsetof(Elf64_Ehdr, e_phoff), 0xff, 8);
    assert_string_equal(of(head, sizeof head).interpreter, "");
}

static void our_own_program_is_an_elf_file(void **unused)
{
    struct ssp__image image;
    (void)unused;
    ssp__image_read(&image, "/proc/self/exe");
    assert_int_equal(image.kind, SSP_IMAGE_ELF);
    assert_int_equal(image.bits, 8 * sizeof(void *));
    bool loaded = getauxval(AT_BASE) != 0; /* a static program needs no loader */
    assert_int_equal(strncmp(image.interpreter, "/lib", 4) == 0, loaded);
}

static void a_file_that_cannot_be_read_is_no_error(void **unused)
{
    struct ssp__image image;
    (void)unused;
    ssp__image_read(&image, "/no/such/file");
    assert_int_equal(image.kind, SSP_IMAGE_UNREADABLE);
    ssp__image_read(&image, "/");
    assert_int_equal(image.kind, SSP_IMAGE_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_names_its_interpreter),
        cmocka_unit_test(a_carriage_return_at_the_end_of_the_first_line_is_seen),
        cmocka_unit_test(an_interpreter_is_printable_and_short),
        cmocka_unit_test(a_plugin_says_by_a_note_that_it_takes_a_socket),
        cmocka_unit_test(a_plugin_says_by_another_that_it_shares_a_port),
        cmocka_unit_test(other_notes_say_nothing),
        cmocka_unit_test(a_cut_or_lying_note_is_none),
        cmocka_unit_test(files_of_known_kinds_are_named),
        cmocka_unit_test(an_elf_file_names_machine_and_loader_in_either_byte_order),
        cmocka_unit_test(a_truncated_elf_file_is_read_within_its_bounds),
        cmocka_unit_test(offsets_beyond_the_file_are_ignored),
        cmocka_unit_test(our_own_program_is_an_elf_file),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
