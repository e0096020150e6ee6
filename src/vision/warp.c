/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* warp.c - resizing, perspective and turns. */
#include "vision/warp.h"
#include "base/mem.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------------- resize */

/* What one output position takes from the input: `count` neighbours from `first` on, with weights that sum to 1. */
typedef struct {
    int first, count;
    float *weight;
} span;

typedef struct {
    span *spans;
    float *weights;
} spans;

static void spans_free(spans *s) {
    tn_mem_free(s->spans);
    tn_mem_free(s->weights);
}

static tn_status spans_make(int from, int to, spans *s) {
    double scale = (double)from / to, radius = fmax(scale, 1);
    size_t each = 2 * (size_t)ceil(radius) + 2, all;
    *s = (spans){ 0 };
    if (!tn_mul_size((size_t)to, each * sizeof(float), &all)) return tn_fail(TN_E_LIMIT, "resize %d to %d", from, to);
    s->spans = tn_mem_alloc((size_t)to * sizeof *s->spans, TN_MEM_SCRATCH);
    s->weights = tn_mem_alloc(all, TN_MEM_SCRATCH);
    if (!s->spans || !s->weights) return tn_fail(TN_E_NOMEM, "resize %d to %d", from, to);
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale - 0.5;
        int lo = (int)ceil(centre - radius), hi = (int)floor(centre + radius);
        span *p = &s->spans[i];
        p->weight = s->weights + (size_t)i * each;
        p->first = lo < 0 ? 0 : lo;
        p->count = (hi >= from ? from - 1 : hi) - p->first + 1;
        double sum = 0;
        for (int k = 0; k < p->count; k++) {
            double w = 1 - fabs(p->first + k - centre) / radius;
            p->weight[k] = (float)(w > 0 ? w : 0);
            sum += p->weight[k];
        }
        for (int k = 0; k < p->count; k++) p->weight[k] = (float)(p->weight[k] / sum);
    }
    return TN_OK;
}

static void resize_row(const uint8_t *row, const spans *xs, int width, float *out) {
    for (int x = 0; x < width; x++, out += 3) {
        const span *p = &xs->spans[x];
        const uint8_t *s = row + (size_t)p->first * 3;
        float r = 0, g = 0, b = 0;
        for (int k = 0; k < p->count; k++, s += 3) {
            float w = p->weight[k];
            r += w * s[0], g += w * s[1], b += w * s[2];
        }
        out[0] = r, out[1] = g, out[2] = b;
    }
}

static uint8_t to_byte(float v) { return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : (int)(v + 0.5f)); }

/* Across first, into a ring of as many float rows as one output row needs; then down. */
tn_status tn_image_resize(const tn_image *im, int width, int height, tn_image *out) {
    spans xs = { 0 }, ys = { 0 };
    float *ring = NULL, *sum = NULL;
    size_t row = 0, ring_bytes = 0;
    tn_status st = tn_image_new(width, height, out);
    if (st != TN_OK) return st;
    if ((st = spans_make(im->width, width, &xs)) != TN_OK) goto done;
    if ((st = spans_make(im->height, height, &ys)) != TN_OK) goto done;
    int depth = 1;
    for (int y = 0; y < height; y++) depth = ys.spans[y].count > depth ? ys.spans[y].count : depth;
    row = (size_t)width * 3;
    if (tn_mul_size(row * sizeof(float), (size_t)depth, &ring_bytes)) ring = tn_mem_alloc(ring_bytes, TN_MEM_SCRATCH);
    sum = tn_mem_alloc(row * sizeof(float), TN_MEM_SCRATCH);
    if (!ring || !sum) {
        st = tn_fail(TN_E_NOMEM, "resize to %d x %d", width, height);
        goto done;
    }
    for (int y = 0, ready = 0; y < height; y++) {
        const span *p = &ys.spans[y];
        if (ready < p->first) ready = p->first;
        for (; ready < p->first + p->count; ready++)
            resize_row(tn_image_at(im, 0, ready), &xs, width, ring + (size_t)(ready % depth) * row);
        memset(sum, 0, row * sizeof(float));
        for (int k = 0; k < p->count; k++) {
            const float *s = ring + (size_t)((p->first + k) % depth) * row;
            for (size_t i = 0; i < row; i++) sum[i] += p->weight[k] * s[i];
        }
        uint8_t *d = tn_image_at(out, 0, y);
        for (size_t i = 0; i < row; i++) d[i] = to_byte(sum[i]);
    }
done:
    spans_free(&xs);
    spans_free(&ys);
    tn_mem_free(ring);
    tn_mem_free(sum);
    if (st != TN_OK) tn_image_free(out);
    return st;
}

/* ---------------------------------------------------------------------------------------------------------- warp */

static void cubic_weights(float t, float w[4]) {
    const float a = -0.75f;
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
    w[3] = 1 - w[0] - w[1] - w[2];
}

static int clamp_index(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

static void sample_cubic(const tn_image *im, double x, double y, uint8_t out[3]) {
    /* beyond the border everything repeats: pulling far points near changes nothing and keeps the integers small */
    x = fmin(fmax(x, -2), im->width + 1);
    y = fmin(fmax(y, -2), im->height + 1);
    int x0 = (int)floor(x), y0 = (int)floor(y);
    float wx[4], wy[4], c[3] = { 0 };
    cubic_weights((float)(x - x0), wx);
    cubic_weights((float)(y - y0), wy);
    size_t at[4]; /* byte offsets of the four columns */
    for (int i = 0; i < 4; i++) at[i] = (size_t)clamp_index(x0 - 1 + i, im->width) * 3;
    for (int j = 0; j < 4; j++) {
        const uint8_t *row = tn_image_at(im, 0, clamp_index(y0 - 1 + j, im->height));
        for (int k = 0; k < 3; k++)
            c[k] += wy[j] * (wx[0] * row[at[0] + (size_t)k] + wx[1] * row[at[1] + (size_t)k] +
                             wx[2] * row[at[2] + (size_t)k] + wx[3] * row[at[3] + (size_t)k]);
    }
    for (int k = 0; k < 3; k++) out[k] = to_byte(c[k]);
}

tn_status tn_image_warp_by(const tn_image *im, const double to_source[9], int width, int height, tn_image *out) {
    TN_TRY(tn_image_new(width, height, out));
    for (int y = 0; y < height; y++) {
        uint8_t *d = tn_image_at(out, 0, y);
        for (int x = 0; x < width; x++, d += 3) {
            tn_point p = tn_homography_apply(to_source, (tn_point){ x, y });
            sample_cubic(im, p.x, p.y, d);
        }
    }
    return TN_OK;
}

tn_status tn_image_warp(const tn_image *im, const tn_quad *quad, int width, int height, tn_image *out) {
    double h[9];
    *out = (tn_image){ 0 };
    tn_quad straight = { { { 0, 0 }, { width, 0 }, { width, height }, { 0, height } } };
    TN_TRY(tn_homography(&straight, quad, h));
    return tn_image_warp_by(im, h, width, height, out);
}

/* ------------------------------------------------------------------------------------------------ parts and turns */

tn_status tn_image_part(const tn_image *im, int x, int y, int width, int height, tn_image *out) {
    assert(x >= 0 && y >= 0 && x + width <= im->width && y + height <= im->height);
    TN_TRY(tn_image_new(width, height, out));
    for (int r = 0; r < height; r++) memcpy(tn_image_at(out, 0, r), tn_image_at(im, x, y + r), (size_t)width * 3);
    return TN_OK;
}

/* EXIF knows all the turns already: 8 asks for a quarter turn left, 3 for a half turn. */
tn_status tn_image_rotate_left(tn_image *im) { return tn_image_orient(im, 8); }

void tn_image_rotate_half(tn_image *im) {
    uint8_t *a = im->px, *b = im->px + ((size_t)im->width * (size_t)im->height - 1) * 3;
    for (; a < b; a += 3, b -= 3) {
        uint8_t t[3];
        memcpy(t, a, 3), memcpy(a, b, 3), memcpy(b, t, 3);
    }
}
