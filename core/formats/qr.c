/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/qr.h"

#include "formats/draft.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef SS_HAS_QRENCODE

#include <qrencode.h>
#ifdef SS_HAS_PNG
#include <png.h>
#endif

/* The border that readers need, in modules, and the pixels of a module in a PNG. */
enum { BORDER = 4, SCALE = 8 };

static const char no_memory[] = "memory is out";

/* Square, with its border. */
static int side(const QRcode *code)
{
    return code->width + 2 * BORDER;
}

static bool black(const QRcode *code, int x, int y)
{
    x -= BORDER;
    y -= BORDER;
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1) != 0;
}

/* Two rows of modules are one of characters.  Both colours are set, so that the code can be read on
 * a dark terminal as well. */
static void draw_terminal(struct ss_draft *out, const QRcode *code)
{
    static const char *const halves[] = {" ", "\u2584", "\u2580", "\u2588"};
    for (int y = 0; y < side(code); y += 2) {
        ss_draft_put(out, "\033[30;107m");
        for (int x = 0; x < side(code); x++)
            ss_draft_put(out, halves[2 * black(code, x, y) + black(code, x, y + 1)]);
        ss_draft_put(out, "\033[0m\n");
    }
}

static void draw_svg(struct ss_draft *out, const QRcode *code)
{
    ss_draft_print(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                   "shape-rendering=\"crispEdges\">\n"
                   "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<path d=\"",
                   side(code), side(code), side(code) * SCALE);
    for (int y = 0; y < side(code); y++) {
        for (int x = 0; x < side(code); x++) {
            if (black(code, x, y))
                ss_draft_print(out, "M%d %dh1v1h-1z", x, y);
        }
    }
    ss_draft_put(out, "\"/>\n</svg>\n");
}

static const char *to_text(const QRcode *code,
                           void (*draw)(struct ss_draft *out, const QRcode *code), char **out,
                           size_t *len)
{
    struct ss_draft draft = {.text = NULL};
    draw(&draft, code);
    *len = draft.len;
    *out = ss_draft_end(&draft);
    return *out != NULL ? NULL : no_memory;
}

#ifdef SS_HAS_PNG
static void paint(uint8_t *grey, const QRcode *code, size_t pixels)
{
    for (size_t i = 0; i < pixels * pixels; i++)
        grey[i] = black(code, (int)(i % pixels) / SCALE, (int)(i / pixels) / SCALE) ? 0 : UINT8_MAX;
}

static const char *to_png(const QRcode *code, char **out, size_t *len)
{
    size_t pixels = (size_t)side(code) * SCALE;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)pixels,
                       .height = (png_uint_32)pixels,
                       .format = PNG_FORMAT_GRAY};
    uint8_t *grey = malloc(pixels * pixels);
    *len = PNG_IMAGE_PNG_SIZE_MAX(image);
    *out = malloc(*len);
    bool drawn = grey != NULL && *out != NULL;
    if (drawn)
        paint(grey, code, pixels);
    drawn = drawn && png_image_write_to_memory(&image, *out, len, 0, grey, 0, NULL) != 0;
    if (grey != NULL)
        explicit_bzero(grey, pixels * pixels);
    free(grey);
    if (drawn)
        return NULL;
    free(*out); /* nothing has been written */
    *out = NULL;
    return no_memory;
}
#else
static const char *to_png(const QRcode *code, char **out, size_t *len)
{
    (void)code, (void)out, (void)len;
    return "this program was built without libpng (.svg works)";
}
#endif

const char *ss_qr_draw(const char *text, enum ss_qr_form form, char **out, size_t *len)
{
    *out = NULL;
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (code == NULL)
        code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (code == NULL)
        return "it is too long for a QR code";
    const char *why = form == SS_QR_PNG
                          ? to_png(code, out, len)
                          : to_text(code, form == SS_QR_SVG ? draw_svg : draw_terminal, out, len);
    explicit_bzero(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    return why;
}

#else

const char *ss_qr_draw(const char *text, enum ss_qr_form form, char **out, size_t *len)
{
    (void)text, (void)form;
    *out = NULL;
    *len = 0;
    return "this program was built without libqrencode";
}

#endif
