/* SPDX-License-Identifier: Apache-2.0 */
#include "host/image.h"

#include "base/retry.h"

#include <ssplugin/lifecycle.h>

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEADERS_MAX = 64 }; /* program headers looked at */

static const struct foreign {
    const char *magic;
    uint8_t len;
    const char *what;
} foreigners[] = {
    {"MZ", 2, "a program for Windows"},
    {"\xcf\xfa\xed\xfe", 4, "a program for macOS"},
    {"\xca\xfe\xba\xbe", 4, "a program for macOS"},
    {"\x1f\x8b", 2, "a gzip archive"},
    {"\xfd"
     "7zXZ",
     5, "an xz archive"},
    {"PK\x03\x04", 4, "a zip archive"},
    {"<", 1, "a web page"},
};

static const struct machine {
    uint16_t machine;
    const char *name;
} machines[] = {
    {EM_386, "x86"},    {EM_X86_64, "x86-64"}, {EM_ARM, "arm"},     {EM_AARCH64, "aarch64"},
    {EM_MIPS, "mips"},  {EM_RISCV, "riscv"},   {EM_PPC, "powerpc"}, {EM_PPC64, "powerpc64"},
    {EM_S390, "s390x"}, {258, "loongarch"},
};

/* ---- fields of either byte order; the caller has checked the length ---- */

static uint64_t field(const struct ssp__image *image, const uint8_t *p, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | p[image->big_endian ? i : size - 1 - i];
    return value;
}

static void copy_text(char text[SSP_IMAGE_TEXT], const uint8_t *from, size_t n)
{
    size_t len = n < SSP_IMAGE_TEXT - 1 ? n : SSP_IMAGE_TEXT - 1;
    memcpy(text, from, len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    }
}

/* ---- kinds ---- */

static void parse_script(struct ssp__image *image, const uint8_t *head, size_t n)
{
    size_t from = 2, to;
    while (from < n && (head[from] == ' ' || head[from] == '\t'))
        from++;
    for (to = from; to < n && memchr(" \t\r\n", head[to], 5) == NULL; to++)
        continue;
    copy_text(image->interpreter, head + from, to - from);
    const uint8_t *end = memchr(head, '\n', n);
    image->crlf = end != NULL && end[-1] == '\r';
}

static uint64_t aligned(uint64_t at, uint64_t align)
{
    return (at + align - 1) / align * align;
}

/* The notes of lifecycle.h: type and text. */
static const struct saying {
    uint32_t type;
    char text[12];
} listen_fds = {SSP_NOTE_TAKES, SSP_NOTE_LISTEN_FDS},
  shares = {SSP_NOTE_SHARES, SSP_NOTE_LISTEN_FDS}, any_ports = {SSP_NOTE_NEEDS, SSP_NOTE_ANY_PORTS};

/* True when one of the notes in these n bytes says so.  See elf(5), "Notes". */
static bool says(const struct ssp__image *image, const struct saying *what, const uint8_t *note,
                 size_t n, uint64_t align)
{
    static const char owner[] = SSP_NOTE_OWNER;
    const size_t word = strlen(what->text) + 1;
    while (n >= sizeof(Elf64_Nhdr)) {
        uint64_t name = field(image, note, 4), desc = field(image, note + 4, 4);
        uint64_t desc_at = aligned(sizeof(Elf64_Nhdr) + name, align), end = desc_at + desc;
        if (end > n)
            return false;
        if (name == sizeof owner && desc >= word && field(image, note + 8, 4) == what->type &&
            memcmp(note + sizeof(Elf64_Nhdr), owner, sizeof owner) == 0 &&
            memcmp(note + desc_at, what->text, word) == 0)
            return true;
        uint64_t next = aligned(end, align);
        if (next >= n)
            return false;
        note += next;
        n -= (size_t)next;
    }
    return false;
}

/* One program header: the loader's name, or notes. */
static void parse_header(struct ssp__image *image, const uint8_t *head, size_t n,
                         const uint8_t *row)
{
    bool wide = image->bits == 64;
    uint64_t type = field(image, row, 4);
    uint64_t at = wide ? field(image, row + offsetof(Elf64_Phdr, p_offset), 8)
                       : field(image, row + offsetof(Elf32_Phdr, p_offset), 4);
    uint64_t size = wide ? field(image, row + offsetof(Elf64_Phdr, p_filesz), 8)
                         : field(image, row + offsetof(Elf32_Phdr, p_filesz), 4);
    uint64_t align = wide ? field(image, row + offsetof(Elf64_Phdr, p_align), 8)
                          : field(image, row + offsetof(Elf32_Phdr, p_align), 4);
    if (at >= n)
        return;
    size_t len = size < n - at ? (size_t)size : n - (size_t)at;
    if (type == PT_INTERP && image->interpreter[0] == '\0')
        copy_text(image->interpreter, head + at, strnlen((const char *)head + at, len));
    if (type != PT_NOTE)
        return;
    image->takes_listen_fds =
        image->takes_listen_fds || says(image, &listen_fds, head + at, len, align == 8 ? 8 : 4);
    image->shares_port =
        image->shares_port || says(image, &shares, head + at, len, align == 8 ? 8 : 4);
    image->needs_ports =
        image->needs_ports || says(image, &any_ports, head + at, len, align == 8 ? 8 : 4);
}

static void parse_headers(struct ssp__image *image, const uint8_t *head, size_t n)
{
    bool wide = image->bits == 64;
    uint64_t table = wide ? field(image, head + offsetof(Elf64_Ehdr, e_phoff), 8)
                          : field(image, head + offsetof(Elf32_Ehdr, e_phoff), 4);
    unsigned rows = (unsigned)(wide ? field(image, head + offsetof(Elf64_Ehdr, e_phnum), 2)
                                    : field(image, head + offsetof(Elf32_Ehdr, e_phnum), 2));
    size_t size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    for (unsigned i = 0; i < rows && i < HEADERS_MAX && table <= n && n - table >= size; i++) {
        parse_header(image, head, n, head + table);
        table += size;
    }
}

static void parse_elf(struct ssp__image *image, const uint8_t *head, size_t n)
{
    if (n < sizeof(Elf64_Ehdr))
        return;
    image->bits = head[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    image->big_endian = head[EI_DATA] == ELFDATA2MSB;
    image->machine = (uint16_t)field(image, head + offsetof(Elf64_Ehdr, e_machine), 2);
    parse_headers(image, head, n);
}

static const char *foreign(const uint8_t *head, size_t n)
{
    for (size_t i = 0; i < sizeof foreigners / sizeof *foreigners; i++) {
        if (n >= foreigners[i].len && memcmp(head, foreigners[i].magic, foreigners[i].len) == 0)
            return foreigners[i].what;
    }
    return NULL;
}

void ssp__image_parse(struct ssp__image *image, const uint8_t *head, size_t n)
{
    *image = (struct ssp__image){.kind = SSP_IMAGE_OTHER};
    if (n == 0) {
        image->kind = SSP_IMAGE_EMPTY;
    } else if (n >= 2 && head[0] == '#' && head[1] == '!') {
        image->kind = SSP_IMAGE_SCRIPT;
        parse_script(image, head, n);
    } else if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0) {
        image->kind = SSP_IMAGE_ELF;
        parse_elf(image, head, n);
    } else if ((image->foreign = foreign(head, n)) != NULL) {
        image->kind = SSP_IMAGE_FOREIGN;
    }
}

void ssp__image_read(struct ssp__image *image, const char *path)
{
    uint8_t head[SSP_IMAGE_HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd == -1 ? -1 : ssp__read(fd, head, sizeof head);
    if (fd != -1)
        (void)close(fd);
    if (n == -1)
        *image = (struct ssp__image){.kind = SSP_IMAGE_UNREADABLE};
    else
        ssp__image_parse(image, head, (size_t)n);
}

bool ssp__image_takes_listen_fds(const char *path)
{
    struct ssp__image image;
    ssp__image_read(&image, path);
    return image.takes_listen_fds;
}

bool ssp__image_shares_port(const char *path)
{
    struct ssp__image image;
    ssp__image_read(&image, path);
    return image.shares_port;
}

bool ssp__image_needs_ports(const char *path)
{
    struct ssp__image image;
    ssp__image_read(&image, path);
    return image.needs_ports;
}

void ssp__image_machine(const struct ssp__image *image, char *text, size_t cap)
{
    const char *order = image->big_endian ? "big-endian" : "little-endian";
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (machines[i].machine == image->machine) {
            (void)snprintf(text, cap, "%s (%u-bit, %s)", machines[i].name, image->bits, order);
            return;
        }
    }
    (void)snprintf(text, cap, "ELF machine %u (%u-bit, %s)", image->machine, image->bits, order);
}
