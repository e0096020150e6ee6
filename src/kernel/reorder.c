/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reorder.c - see reorder.h. The work is cut into pieces of some pixels of one block of channels. */
#include "kernel/reorder.h"
#include "kernel/kernel.h"
#include <string.h>

enum { PIECE = 1024 }; /* pixels: 64 KiB with c = 16 */

typedef struct {
    const tn_conv_kernels *k;
    int64_t channels, pixels, blocks, pieces;
    tn_conv_layout from, to;
    const float *x;
    float *y;
} job;

/* Rows of `n` floats each at their own distance; the rest of a row in y up to `fill` becomes zero. */
static void copy_rows(const float *x, int64_t x_row, float *y, int64_t y_row, int64_t rows, int64_t n, int64_t fill) {
    for (int64_t i = 0; i < rows; i++, x += x_row, y += y_row) {
        memcpy(y, x, (size_t)n * 4);
        for (int64_t j = n; j < fill; j++) y[j] = 0;
    }
}

static void scatter_rows(const float *x, int64_t x_channel, int64_t x_pixel, float *y, int64_t y_channel,
                         int64_t y_pixel, int64_t channels, int64_t pixels) {
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t i = 0; i < channels; i++) y[i * y_channel + p * y_pixel] = x[i * x_channel + p * x_pixel];
}

static void piece(const job *j, int64_t image, int64_t block, int64_t first) {
    int64_t c = j->k->block, pixels = j->pixels - first < PIECE ? j->pixels - first : PIECE;
    int channels = (int)(j->channels - block * c < c ? j->channels - block * c : c);
    int64_t plain = (image * j->channels + block * c) * j->pixels + first;
    int64_t blocked = ((image * j->blocks + block) * j->pixels + first) * c;
    int64_t last = (image * j->pixels + first) * j->channels + block * c;
    const float *x = j->x + (j->from == TN_LAYOUT_PLAIN ? plain : j->from == TN_LAYOUT_BLOCKED ? blocked : last);
    float *y = j->y + (j->to == TN_LAYOUT_PLAIN ? plain : j->to == TN_LAYOUT_BLOCKED ? blocked : last);
    if (j->from == TN_LAYOUT_PLAIN && j->to == TN_LAYOUT_BLOCKED)
        j->k->to_blocked(x, j->pixels, channels, pixels, y);
    else if (j->from == TN_LAYOUT_BLOCKED && j->to == TN_LAYOUT_PLAIN)
        j->k->from_blocked(x, j->pixels, channels, pixels, y);
    else if (j->from == TN_LAYOUT_LAST && j->to == TN_LAYOUT_BLOCKED)
        copy_rows(x, j->channels, y, c, pixels, channels, c);
    else if (j->from == TN_LAYOUT_BLOCKED && j->to == TN_LAYOUT_LAST)
        copy_rows(x, c, y, j->channels, pixels, channels, channels);
    else if (j->from == TN_LAYOUT_PLAIN && j->to == TN_LAYOUT_LAST)
        scatter_rows(x, j->pixels, 1, y, 1, j->channels, channels, pixels);
    else if (j->from == TN_LAYOUT_LAST && j->to == TN_LAYOUT_PLAIN)
        scatter_rows(x, 1, j->channels, y, j->pixels, 1, channels, pixels);
}

static void pieces(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    for (int64_t i = begin; i < end; i++)
        piece(j, i / j->pieces / j->blocks, i / j->pieces % j->blocks, i % j->pieces * PIECE);
}

void tn_reorder(const tn_kernels *k, int64_t n, int64_t channels, int64_t pixels, tn_conv_layout from, const float *x,
                tn_conv_layout to, float *y, tn_pool *pool) {
    int64_t c = k->conv.block, blocks = (channels + c - 1) / c;
    if (from == to) {
        memcpy(y, x, (size_t)tn_layout_floats((int)c, from, n, channels, pixels) * 4);
        return;
    }
    job j = { &k->conv, channels, pixels, blocks, (pixels + PIECE - 1) / PIECE, from, to, x, y };
    int64_t small = pixels < PIECE ? PIECE / (pixels + 1) + 1 : 1; /* threads for less than a piece cost more */
    tn_parallel(pool, n * blocks * j.pieces, small, pieces, &j);
}
