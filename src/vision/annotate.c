/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* annotate.c - draws a page of recognised text beside its picture. */
#include "vision/annotate.h"
#include "vision/draw.h"
#include <math.h>

/* Colours far apart on the circle for neighbours in reading order (steps of the golden angle). */
static tn_color line_color(size_t i, uint8_t alpha) {
    double hue = fmod(0.58 + 0.61803398875 * (double)i, 1) * 6, part[3];
    for (int c = 0; c < 3; c++) {
        double k = fmod(5 - 2 * c + hue, 6);
        part[c] = 0.82 - 0.72 * fmax(0, fmin(fmin(k, 4 - k), 1));
    }
    return (tn_color){ (uint8_t)(255 * part[0]), (uint8_t)(255 * part[1]), (uint8_t)(255 * part[2]), alpha };
}

static tn_quad shifted(tn_quad q, double dx) {
    for (int i = 0; i < 4; i++) q.p[i].x += dx;
    return q;
}

/* The text fills the width of its box, but no more than its height: boxes fit their text closely. */
static void draw_text(tn_image *out, tn_font *font, const char *text, const tn_quad *q) {
    double w, h, up, down;
    tn_quad_sides(q, &w, &h);
    double size = h, natural = tn_font_width(font, text, size);
    if (natural > 0.97 * w && natural > 0) size *= 0.97 * w / natural;
    tn_font_extent(font, size, &up, &down);
    double angle = atan2(q->p[1].y - q->p[0].y, q->p[1].x - q->p[0].x), cs = cos(angle), sn = sin(angle);
    double along = fmax(0, (w - tn_font_width(font, text, size)) / 2), below = (h + up - down) / 2;
    tn_font_draw(font, out, text, size, q->p[0].x + along * cs - below * sn, q->p[0].y + along * sn + below * cs, angle,
                 (tn_color){ 20, 22, 28, 255 });
}

tn_status tn_ocr_annotate(const tn_image *im, const tn_ocr_page *page, tn_image *out) {
    tn_font *font = NULL;
    int gap = im->width / 100 + 4;
    double stroke = fmin(fmax((im->width + im->height) / 1000.0, 1.2), 6);
    *out = (tn_image){ 0 };
    if (im->width > (INT32_MAX - gap) / 2) return tn_fail(TN_E_LIMIT, "a picture of twice %d pixels' width", im->width);
    TN_TRY(tn_image_new(2 * im->width + gap, im->height, out));
    tn_draw_clear(out, (tn_color){ 255, 255, 255, 255 });
    tn_draw_image(out, 0, 0, im);
    tn_status st = TN_OK;
    double right = im->width + gap;
    const tn_point bar[4] = { { im->width, 0 }, { right, 0 }, { right, im->height }, { im->width, im->height } };
    st = tn_draw_fill(out, bar, 4, (tn_color){ 60, 64, 72, 255 });
    if (page->n > 0 && tn_font_open(NULL, &font) != TN_OK) tn_error_clear();
    for (size_t i = 0; st == TN_OK && i < page->n; i++) {
        const tn_ocr_line *l = &page->line[i];
        tn_quad there = shifted(l->as_read, right);
        st = tn_draw_fill(out, l->box.p, 4, line_color(i, 48));
        if (st == TN_OK) st = tn_draw_outline(out, l->box.p, 4, stroke, line_color(i, 230));
        if (st == TN_OK) st = tn_draw_fill(out, there.p, 4, line_color(i, 28));
        if (st == TN_OK) st = tn_draw_outline(out, there.p, 4, fmax(stroke / 2, 1), line_color(i, 200));
        if (st != TN_OK) break;
        if (font)
            draw_text(out, font, l->text, &there);
        else
            st = tn_draw_number(out, (unsigned)i + 1, there.p[0].x + 2, there.p[0].y + 2, 14, line_color(i, 255));
    }
    tn_font_close(&font);
    if (st != TN_OK) tn_image_free(out);
    return st;
}
