/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* draw.c - shapes by exact area: every edge adds its signed area to an accumulation buffer, and a running sum along
 * each row turns that into coverage (the method of modern font rasterisers; no sorting, no sub-samples). */
#include "vision/draw.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

/* Coverage of a part of the picture. Rows have two cells more than pixels: areas spill one to the right. */
typedef struct {
    int x0, y0, w, h;
    size_t stride;
    float *cell;
} canvas;

static tn_status canvas_open(const tn_image *im, double left, double top, double right, double bottom, canvas *out) {
    *out = (canvas){ .x0 = (int)fmax(floor(left), 0), .y0 = (int)fmax(floor(top), 0) };
    out->w = (int)fmin(ceil(right), im->width) - out->x0;
    out->h = (int)fmin(ceil(bottom), im->height) - out->y0;
    if (out->w <= 0 || out->h <= 0) {
        out->w = out->h = 0;
        return TN_OK;
    }
    out->stride = (size_t)out->w + 2;
    out->cell = tn_mem_zalloc(out->stride * (size_t)out->h * sizeof(float), TN_MEM_SCRATCH);
    return out->cell ? TN_OK : tn_fail(TN_E_NOMEM, "drawing %d x %d pixels", out->w, out->h);
}

/* A piece of an edge inside one row, falling by dy from xa to xb (cells): what lies right of it gains dy. */
static void add_piece(float *row, double xa, double xb, double dy) {
    double left = fmin(xa, xb), right = fmax(xa, xb);
    int i = (int)left, last = (int)right;
    if (i == last) {
        double cover = dy * (1 - ((left + right) / 2 - i)); /* of cell i */
        row[i] += (float)cover;
        row[i + 1] += (float)(dy - cover);
        return;
    }
    double slope = dy / (right - left);
    for (double x = left; i <= last; i++) { /* cell by cell; x: where the piece enters cell i */
        double end = fmin(i + 1, right), part = slope * (end - x), cover = part * (1 - ((x + end) / 2 - i));
        row[i] += (float)cover;
        row[i + 1] += (float)(part - cover);
        x = end;
    }
}

static void add_edge(canvas *c, tn_point a, tn_point b) {
    double sign = 1;
    if (a.y > b.y) {
        tn_point t = a;
        a = b, b = t, sign = -1;
    }
    if (a.y == b.y) return;
    double slope = (b.x - a.x) / (b.y - a.y), top = fmax(a.y, c->y0), bottom = fmin(b.y, c->y0 + c->h);
    for (double y = top; y < bottom;) {
        int row = (int)floor(y);
        double next = fmin(row + 1, bottom);
        double xa = a.x + (y - a.y) * slope - c->x0, xb = a.x + (next - a.y) * slope - c->x0;
        xa = fmin(fmax(xa, 0), c->w), xb = fmin(fmax(xb, 0), c->w);
        add_piece(c->cell + (size_t)(row - c->y0) * c->stride, xa, xb, sign * (next - y));
        y = next;
    }
}

static uint8_t mix(uint8_t under, uint8_t over, float a) { return (uint8_t)((float)under + a * (over - under) + 0.5f); }

static void canvas_close(canvas *c, tn_image *im, tn_color color) {
    for (int y = 0; y < c->h; y++) {
        float sum = 0, *row = c->cell + (size_t)y * c->stride;
        uint8_t *d = tn_image_at(im, c->x0, c->y0 + y);
        for (int x = 0; x < c->w; x++, d += 3) {
            sum += row[x];
            float a = fminf(fabsf(sum), 1) * (float)color.a / 255;
            d[0] = mix(d[0], color.r, a), d[1] = mix(d[1], color.g, a), d[2] = mix(d[2], color.b, a);
        }
    }
    tn_mem_free(c->cell);
}

static tn_status open_around(const tn_image *im, const tn_point *p, size_t n, double margin, canvas *c) {
    double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        left = fmin(left, p[i].x), right = fmax(right, p[i].x);
        top = fmin(top, p[i].y), bottom = fmax(bottom, p[i].y);
    }
    return canvas_open(im, left - margin, top - margin, right + margin, bottom + margin, c);
}

tn_status tn_draw_fill(tn_image *im, const tn_point *p, size_t n, tn_color c) {
    canvas area;
    TN_TRY(open_around(im, p, n, 0, &area));
    for (size_t i = 0; i < n; i++) add_edge(&area, p[i], p[(i + 1) % n]);
    canvas_close(&area, im, c);
    return TN_OK;
}

/* Every side is a bar of its own, all going round the same way, so that overlapping ones add up and are cut at 1. */
static void add_bar(canvas *c, tn_point a, tn_point b, double width) {
    double len = hypot(b.x - a.x, b.y - a.y), ux = len > 0 ? (b.x - a.x) / len : 1,
           uy = len > 0 ? (b.y - a.y) / len : 0;
    double r = width / 2;
    ux *= r, uy *= r;
    const tn_point q[4] = { { a.x - ux + uy, a.y - uy - ux },
                            { b.x + ux + uy, b.y + uy - ux },
                            { b.x + ux - uy, b.y + uy + ux },
                            { a.x - ux - uy, a.y - uy + ux } };
    for (int i = 0; i < 4; i++) add_edge(c, q[i], q[(i + 1) % 4]);
}

tn_status tn_draw_outline(tn_image *im, const tn_point *p, size_t n, double width, tn_color c) {
    canvas area;
    TN_TRY(open_around(im, p, n, width, &area));
    for (size_t i = 0; i < n; i++) add_bar(&area, p[i], p[(i + 1) % n], width);
    canvas_close(&area, im, c);
    return TN_OK;
}

void tn_draw_mask(tn_image *im, int x, int y, const uint8_t *mask, int w, int h, int stride, tn_color c) {
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) {
            if (x + i < 0 || y + j < 0 || x + i >= im->width || y + j >= im->height) continue;
            uint8_t *d = tn_image_at(im, x + i, y + j);
            float a = (float)mask[j * stride + i] * (float)c.a / (255 * 255);
            d[0] = mix(d[0], c.r, a), d[1] = mix(d[1], c.g, a), d[2] = mix(d[2], c.b, a);
        }
}

/*   -0-
 *  5   1
 *   -6-
 *  4   2
 *   -3-   one bit each */
static const uint8_t segments[10] = { 0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f };
static const double segment_ends[7][4] = { { 0, 0, 1, 0 }, { 1, 0, 1, 1 }, { 1, 1, 1, 2 }, { 0, 2, 1, 2 },
                                           { 0, 1, 0, 2 }, { 0, 0, 0, 1 }, { 0, 1, 1, 1 } };

tn_status tn_draw_number(tn_image *im, unsigned number, double x, double y, double height, tn_color c) {
    unsigned digit[10];
    int n = 0;
    do digit[n++] = number % 10;
    while (number /= 10);
    double bar = height / 8, unit = (height - bar) / 2, step = unit + 3 * bar;
    canvas area;
    TN_TRY(canvas_open(im, x, y, x + n * step, y + height, &area));
    for (x += bar / 2, y += bar / 2; n > 0; x += step)
        for (int s = 0, bits = segments[digit[--n]]; s < 7; s++) {
            const double *e = segment_ends[s];
            if (!(bits >> s & 1)) continue;
            add_bar(&area, (tn_point){ x + e[0] * unit, y + e[1] * unit },
                    (tn_point){ x + e[2] * unit, y + e[3] * unit }, bar);
        }
    canvas_close(&area, im, c);
    return TN_OK;
}

void tn_draw_clear(tn_image *im, tn_color c) {
    uint8_t *d = im->px;
    for (size_t n = (size_t)im->width * (size_t)im->height; n > 0; n--, d += 3) d[0] = c.r, d[1] = c.g, d[2] = c.b;
}

void tn_draw_image(tn_image *im, int x, int y, const tn_image *src) {
    int from = x < 0 ? -x : 0, to = src->width < im->width - x ? src->width : im->width - x;
    for (int j = 0; j < src->height && from < to; j++)
        if (y + j >= 0 && y + j < im->height)
            memcpy(tn_image_at(im, x + from, y + j), tn_image_at(src, from, j), (size_t)(to - from) * 3);
}
