/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* draw.h - antialiased shapes and text onto a picture. Everything is clipped to the picture. */
#ifndef TN_VISION_DRAW_H
#define TN_VISION_DRAW_H

#include "vision/geometry.h"
#include "vision/image.h"

typedef struct {
    uint8_t r, g, b, a; /* a: 255 covers, 0 does nothing */
} tn_color;

/** Fills a polygon that does not cross itself; every pixel is covered by its share of area. Corner (0, 0) is the upper
 *  left corner of the first pixel. errors TN_E_NOMEM. */
tn_status tn_draw_fill(tn_image *im, const tn_point *p, size_t n, tn_color c);

/** The closed outline of a polygon, `width` pixels wide, half of it on each side. errors TN_E_NOMEM. */
tn_status tn_draw_outline(tn_image *im, const tn_point *p, size_t n, double width, tn_color c);

/** Lays the colour over w x h pixels from (x, y) on, each as much as its mask byte says. */
void tn_draw_mask(tn_image *im, int x, int y, const uint8_t *mask, int w, int h, int stride, tn_color c);

/** A whole number in seven-segment digits, `height` pixels high, upper left corner at (x, y): text without any font.
 *  errors TN_E_NOMEM. */
tn_status tn_draw_number(tn_image *im, unsigned number, double x, double y, double height, tn_color c);

void tn_draw_clear(tn_image *im, tn_color c); /* every pixel; a is ignored */
void tn_draw_image(tn_image *im, int x, int y, const tn_image *src);

/* ---------------------------------------------------------------------------------------------------------- text */

typedef struct tn_font tn_font;

/** A font of this system by fontconfig's name for it ("DejaVu Sans:bold"), NULL: a sans-serif with Chinese characters.
 *  Characters that it lacks come from other fonts of the system where there are any.
 *  errors   TN_E_NOT_FOUND (no scalable font at all), TN_E_NOMEM
 *  owns     the caller owns *out: tn_font_close. One thread at a time. */
tn_status tn_font_open(const char *name, tn_font **out);
void tn_font_close(tn_font **f);

/** Width of a line of UTF-8 text in pixels at `size` pixels per em. */
double tn_font_width(tn_font *f, const char *text, double size);

/** Pixels from the base line up to the top of high letters, and down, at that size (both > 0). */
void tn_font_extent(const tn_font *f, double size, double *up, double *down);

/** Draws a line of UTF-8 text. (x, y): where its base line begins; angle: radians, clockwise as seen. */
void tn_font_draw(tn_font *f, tn_image *im, const char *text, double size, double x, double y, double angle,
                  tn_color c);

#endif
