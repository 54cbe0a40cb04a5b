/* SPDX-License-Identifier: Apache-2.0 */
#include "acl/pac.h"

#include "acl/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED_MAX = 'Z' - 'A', BASE = 36, V4_BITS = 32 };

/* The script has no newer JavaScript than that of 1999: some who read such files know no other. */
static const char script[] =
    "function fill(table, bit, text) {\n"
    "  var part = text.match(/[A-Z][^A-Z]*/g) || [], key = \"\", i;\n"
    "  for (i = 0; i < part.length; i++) {\n"
    "    key = key.substring(0, part[i].charCodeAt(0) - 65) + part[i].substring(1);\n"
    "    table[key] |= bit;\n"
    "  }\n"
    "}\n"
    "function named(table, host) {\n"
    "  var label = host.split(\".\"), key = \"\", i;\n"
    "  for (i = label.length - 1; i >= 0; i--) {\n"
    "    key += \".\" + label[i];\n"
    "    if (table[key] & (i > 0 ? 6 : 3)) return true;\n"
    "  }\n"
    "  return false;\n"
    "}\n"
    "function borders(text) {\n"
    "  var at = text ? text.split(\" \") : [], sum = 0, i;\n"
    "  for (i = 0; i < at.length; i++) at[i] = sum += parseInt(at[i], 36);\n"
    "  return at;\n"
    "}\n"
    "function within(at, number) {\n"
    "  var low = 0, high = at.length, mid;\n"
    "  while (low < high) {\n"
    "    mid = low + high >> 1;\n"
    "    if (at[mid] <= number) low = mid + 1; else high = mid;\n"
    "  }\n"
    "  return low % 2 == 1;\n"
    "}\n"
    "function address(host) {\n"
    "  var byte = host.split(\".\"), number = 0, i;\n"
    "  for (i = 0; i < 4; i++) {\n"
    "    if (byte.length != 4 || !/^(0|[1-9][0-9]?[0-9]?)$/.test(byte[i]) || byte[i] > 255)\n"
    "      return -1;\n"
    "    number = number * 256 + Number(byte[i]);\n"
    "  }\n"
    "  return number;\n"
    "}\n"
    "function direct(host) {\n"
    "  var number = address(host);\n"
    "  if (number >= 0)\n"
    "    return within(aroundNets, number) || around && !within(throughNets, number);\n"
    "  if (!/^[a-z0-9._-]+$/.test(host) || /(^|\\.)(0x[0-9a-f]*|[0-9]+)$/.test(host))\n"
    "    return false;\n"
    "  return named(aroundNames, host) || others && !named(throughNames, host);\n"
    "}\n";

/* ---- names ---- */

/* "www.example.com" becomes ".com.example.www". */
static char *reverse(char *out, const char *name, size_t len)
{
    while (len > 0) {
        size_t end = len;
        while (len > 0 && name[len - 1] != '.')
            len--;
        *out++ = '.';
        memcpy(out, name + len, end - len);
        out += end - len;
        len -= len > 0;
    }
    *out++ = '\0';
    return out;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each but for the letters that it shares with the one before it, whose number is a letter. */
static void put_keys(char **key, size_t n, FILE *out)
{
    const char *last = "";
    for (size_t i = 0; i < n; i++) {
        size_t shared = 0;
        while (shared < SHARED_MAX && key[i][shared] != '\0' && key[i][shared] == last[shared])
            shared++;
        (void)fprintf(out, "%c%s", (int)('A' + shared), key[i] + shared);
        last = key[i];
    }
}

/* Returns 0, or -1 when memory is out. */
static int put_cover(const struct ss_name_set *names, enum ss_cover cover, const char *table,
                     FILE *out)
{
    char **key = calloc(names->n + 1, sizeof *key);
    char *text = malloc(names->text_len + names->n + 1), *end = text;
    size_t n = 0;
    for (size_t i = 0; key != NULL && text != NULL && i < names->n; i++) {
        const struct ss_name_entry *e = &names->entry[i];
        if (e->line[cover] == 0)
            continue;
        key[n++] = end;
        end = reverse(end, names->text + e->at, e->len);
    }
    if (n > 0) {
        qsort(key, n, sizeof *key, compare_keys);
        (void)fprintf(out, "fill(%s, %d, \"", table, 1 << cover);
        put_keys(key, n, out);
        (void)fputs("\");\n", out);
    }
    int rc = key != NULL && text != NULL ? 0 : -1;
    free(key);
    free(text);
    return rc;
}

static int put_names(const struct ss_name_set *names, const char *table, FILE *out)
{
    int rc = 0;
    (void)fprintf(out, "var %s = {};\n", table);
    for (int cover = 0; cover < SS_COVERS; cover++)
        rc |= put_cover(names, (enum ss_cover)cover, table, out);
    return rc;
}

/* ---- networks ---- */

struct range {
    uint64_t first, end; /* behind the last */
};

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static void put_number(uint64_t number, FILE *out)
{
    char text[16];
    size_t at = sizeof text;
    do {
        text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[number % BASE];
        number /= BASE;
    } while (number > 0);
    (void)fwrite(text + at, 1, sizeof text - at, out);
}

/* The begin and the end of each range, as the distance to the border before it. */
static void put_ranges(struct range *range, size_t n, FILE *out)
{
    uint64_t last = 0;
    for (size_t i = 0, next; i < n; i = next) {
        uint64_t end = range[i].end;
        for (next = i + 1; next < n && range[next].first <= end; next++)
            end = range[next].end > end ? range[next].end : end;
        (void)fputs(i > 0 ? " " : "", out);
        put_number(range[i].first - last, out);
        (void)fputc(' ', out);
        put_number(end - range[i].first, out);
        last = end;
    }
}

/* The networks of IPv4. */
static int put_networks(const struct ssp__networks *networks, const char *table, FILE *out)
{
    struct range *range = calloc((size_t)networks->n + 1, sizeof *range);
    size_t n = 0;
    for (uint32_t i = 0; range != NULL && i < networks->n; i++) {
        const struct ssp__network_node *node = &networks->node[i];
        uint64_t first = node->word[0] >> V4_BITS;
        if (node->line != 0 && !node->v6)
            range[n++] = (struct range){first, first + (UINT64_C(1) << (V4_BITS - node->len))};
    }
    (void)fprintf(out, "var %s = borders(\"", table);
    if (range != NULL) {
        qsort(range, n, sizeof *range, compare_ranges);
        put_ranges(range, n, out);
    }
    (void)fputs("\");\n", out);
    free(range);
    return range != NULL ? 0 : -1;
}

/* ---- the list ---- */

static const char *truth(bool it)
{
    return it ? "true" : "false";
}

/* A name that no rule names goes around if neither an expression nor an address may say else. */
static int put_list(const struct ss_acl *acl, bool names, FILE *out)
{
    static const struct ss_name_set none;
    const struct ss_rules *around = &acl->list[SS_ACL_BYPASS], *through = &acl->list[SS_ACL_PROXY];
    bool others = names && acl->around && through->expressions == NULL &&
                  !ssp__networks_any(&through->networks);
    (void)fprintf(out, "%svar around = %s, others = %s;\n", script, truth(acl->around),
                  truth(others));
    return put_names(names ? &around->names : &none, "aroundNames", out) |
           put_names(others ? &through->names : &none, "throughNames", out) |
           put_networks(&around->networks, "aroundNets", out) |
           put_networks(&through->networks, "throughNets", out);
}

static char *write_list(const struct ss_acl *acl, bool names, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (out == NULL)
        return NULL;
    int rc = put_list(acl, names, out);
    if (fclose(out) == 0 && rc == 0)
        return text;
    free(text);
    return NULL;
}

char *ss_acl_pac(const struct ss_acl *acl, size_t *len, bool *whole)
{
    char *text = write_list(acl, true, len);
    *whole = text == NULL || *len <= SS_PAC_MAX;
    if (*whole)
        return text;
    free(text);
    return write_list(acl, false, len);
}
