/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded_piece.c - pieces of rows of weights in blocks, split into codes, scales and offsets. */
#include "kernel/coded_piece.h"
#include <string.h>

void tn_part_floats(const tn_part *p, int64_t row, int64_t first, int64_t n, float *out) {
    const char *at = (const char *)p->at + row * p->row;
    if (p->dtype == TN_F32) {
        memcpy(out, at + 4 * first, 4 * (size_t)n);
        return;
    }
    uint16_t half[TN_PIECE / TN_GROUP];
    memcpy(half, at + 2 * first, 2 * (size_t)n); /* of any address */
    (void)tn_convert(p->dtype, half, TN_F32, out, n, true, TN_ROUND_NEAREST);
}

void tn_zeros_of(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out) {
    int bits = c->as->bits, middle = 1 << (bits - 1);
    if (c->zero.dtype != TN_U8) {
        tn_part_floats(&c->zero, row, first, n, out);
        for (int64_t i = 0; i < n; i++) out[i] -= (float)middle;
        return;
    }
    const uint8_t *q = (const uint8_t *)c->zero.at + row * c->zero.row;
    int8_t code[TN_PIECE / TN_GROUP];
    int64_t whole = first * bits % 8 ? 0 : n / 8 * 8;
    k->fields[bits](whole, q + first * bits / 8, code);
    for (int64_t i = whole; i < n; i++) code[i] = (int8_t)(tn_field(q, bits, first + i) - middle);
    for (int64_t i = 0; i < n; i++) out[i] = (float)code[i];
}

static void split_uniform(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t n,
                          tn_piece *p) {
    int bits = c->as->bits, shift = tn_shift_of(c);
    int64_t block = first >> shift, blocks = ((first + n - 1) >> shift) - block + 1;
    float zero[TN_PIECE / TN_GROUP];
    k->fields[bits](n, tn_codes_of(c, row) + first * bits / 8, p->code);
    tn_part_floats(&c->scale, row, block, blocks, p->scale);
    p->shift = shift - 4;
    if (!(p->offsets = c->zero.at != NULL)) return;
    tn_zeros_of(k, c, row, block, blocks, zero);
    for (int64_t b = 0; b < blocks; b++) zero[b] *= -p->scale[b];
    for (int64_t g = 0; g < n / TN_GROUP; g++) p->offset[g] = zero[g >> p->shift];
}

/* Asks for what comes next: rows are short and read in pieces, so the hardware's prefetcher starts anew all the time.
 */
static void ask_for(const void *at, int64_t bytes) {
    enum { LINE = 64 };
    for (int64_t i = 0; i < bytes; i += LINE) __builtin_prefetch((const char *)at + i);
}

static void ask_for_next(const tn_coded *c, int64_t row, int64_t first, int64_t n) {
    const uint8_t *q = tn_codes_of(c, row);
    if (c->as->split) {
        ask_for(q + (first + n) / c->block * c->as->bytes, n / c->block * c->as->bytes);
        return;
    }
    const char *scale = (const char *)c->scale.at + row * c->scale.row;
    ask_for(q + (first + n) * c->as->bits / 8, n * c->as->bits / 8);
    ask_for(scale + ((first + n) >> tn_shift_of(c)) * 4, 4 * (n >> tn_shift_of(c)));
}

int64_t tn_piece_split(const tn_coded_kernels *k, const tn_coded *c, int64_t row, int64_t first, int64_t most,
                       tn_piece *p) {
    int64_t left = tn_align_up((size_t)(c->columns - first), TN_GROUP), n = left < most ? left : most;
    ask_for_next(c, row, first, n);
    if (c->as->split) {
        k->split[c->as->id](n / c->block, tn_codes_of(c, row) + first / c->block * c->as->bytes, p->code, p->scale,
                            p->offset);
        p->offsets = c->as->offsets, p->shift = 0;
    } else {
        split_uniform(k, c, row, first, n, p);
    }
    if (n % TN_CODED_STEP == 0) return n;
    memset(p->code + n, 0, TN_GROUP);
    if (!p->shift) p->scale[n / TN_GROUP] = 0; /* else it is the scale of what lies before */
    p->offset[n / TN_GROUP] = 0;
    return n + TN_GROUP;
}
