/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding_split_grid.c - blocks of 256 whose codes are points of a grid (encoding_grid.h): IQ1, IQ2 and IQ3.
 *
 * Layouts by bytes from the begin of a block; h: a float16; an eight: eight elements that one index names. */
#include "tensor/encoding_grid.h"
#include "tensor/encoding_split.h"
#include <string.h>

static int half_word(const uint8_t *p) { return p[0] | p[1] << 8; }
static uint32_t word(const uint8_t *p) { return (uint32_t)half_word(p) | (uint32_t)half_word(p + 2) << 16; }
static float half_at(const uint8_t *p) { return tn_f16_to_f32((uint16_t)half_word(p)); }

/* Four bits of a row of bytes, the low ones first. */
static int nibble(const uint8_t *p, int i) { return p[i / 2] >> (i % 2 * 4) & 15; }

/* n codes of a point; bit i of `signs` turns code i. */
static void point(int n, const int8_t *from, unsigned signs, int8_t *code) {
    for (int i = 0; i < n; i++) code[i] = (int8_t)(signs >> i & 1 ? -from[i] : from[i]);
}

/* Scale of `n` groups from g on; a grid's blocks have no offsets. */
static void groups(int g, int n, float *scale, float *offset, float s) {
    for (int i = g; i < g + n; i++) scale[i] = s, offset[i] = 0;
}

#define BLOCKS(name, size)                                                                                 \
    void tn_split_##name(int64_t blocks, const uint8_t *from, int8_t *code, float *scale, float *offset) { \
        const tn_grids *grids = tn_grids_get();                                                            \
        for (int64_t b = 0; b < blocks; b++)                                                               \
            name(grids, from + b * (size), code + b * 256, scale + b * 16, offset + b * 16);               \
    }

/* d: h; eight times 4 indices and a word: 7 signs of each eight, 4 bits of scale. d (s + 1/2) / 4 */
static void iq2_xxs(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int b = 0; b < 8; b++) {
        const uint8_t *q = p + 2 + 8 * b;
        uint32_t rest = word(q + 4);
        groups(2 * b, 2, scale, offset, half_at(p) * (0.5f + (float)(rest >> 28)) * 0.25f);
        for (int i = 0; i < 4; i++)
            point(8, grids->iq2_xxs[q[i]], tn_even_signs(rest >> (7 * i) & 127), code + 32 * b + 8 * i);
    }
}
BLOCKS(iq2_xxs, 66)

/* d: h; 32 half words: 9 bits of index, 7 signs; 16 scales of 4 bits, each of 16 elements, as above. */
static void iq2_xs(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int g = 0; g < 16; g++) groups(g, 1, scale, offset, half_at(p) * (0.5f + (float)nibble(p + 66, g)) * 0.25f);
    for (int i = 0; i < 32; i++) {
        unsigned q = (unsigned)half_word(p + 2 + 2 * i);
        point(8, grids->iq2_xs[q & 511], tn_even_signs(q >> 9), code + 8 * i);
    }
}
BLOCKS(iq2_xs, 74)

/* d: h; 32 bytes of indices, 32 of signs, 8 of the indices' two high bits, 16 scales as above. */
static void iq2_s(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int g = 0; g < 16; g++) groups(g, 1, scale, offset, half_at(p) * (0.5f + (float)nibble(p + 74, g)) * 0.25f);
    for (int i = 0; i < 32; i++) {
        int high = p[66 + i / 4] >> (i % 4 * 2) & 3;
        point(8, grids->iq2_s[p[2 + i] | high << 8], p[34 + i], code + 8 * i);
    }
}
BLOCKS(iq2_s, 82)

/* d: h; 64 indices of four elements; 8 words as iq2_xxs. d (s + 1/2) / 2 */
static void iq3_xxs(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int b = 0; b < 8; b++) {
        uint32_t rest = word(p + 66 + 4 * b);
        groups(2 * b, 2, scale, offset, half_at(p) * (0.5f + (float)(rest >> 28)) * 0.5f);
        for (int i = 0; i < 8; i++) {
            unsigned signs = tn_even_signs(rest >> (i / 2 * 7) & 127);
            point(4, grids->iq3_xxs[p[2 + 8 * b + i]], signs >> (i % 2 * 4), code + 32 * b + 4 * i);
        }
    }
}
BLOCKS(iq3_xxs, 98)

/* d: h; 64 bytes of indices of four, 8 of their ninth bits, 32 of signs, 8 scales of 4 bits. d (1 + 2 s) */
static void iq3_s(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int b = 0; b < 8; b++) groups(2 * b, 2, scale, offset, half_at(p) * (float)(1 + 2 * nibble(p + 106, b)));
    for (int i = 0; i < 64; i++) {
        int ninth = p[66 + i / 8] >> i % 8 & 1;
        point(4, grids->iq3_s[p[2 + i] | ninth << 8], nibble(p + 74, i) & 15u, code + 4 * i);
    }
}
BLOCKS(iq3_s, 110)

/* An eight of IQ1 is d (1 + 2 s) (point + 1/8 or - 1/8): in eighths, whole numbers. */
static void eighths(const int8_t *from, int less, int8_t *code) {
    for (int i = 0; i < 8; i++) code[i] = (int8_t)(from[i] + (less ? -1 : 1));
}

/* d: h; 32 bytes of indices; 8 half words: three high bits of each of four indices, 3 bits of scale, 1: less. */
static void iq1_s(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int b = 0; b < 8; b++) {
        int rest = half_word(p + 34 + 2 * b);
        groups(2 * b, 2, scale, offset, half_at(p) * 0.125f * (float)(1 + 2 * (rest >> 12 & 7)));
        for (int i = 0; i < 4; i++)
            eighths(grids->iq1[p[2 + 4 * b + i] | (rest >> (3 * i) & 7) << 8], rest >> 15, code + 32 * b + 8 * i);
    }
}
BLOCKS(iq1_s, 50)

/* 32 bytes of indices; 4 bits for each, the lowest first: three high bits, 1: less; 4 half words: four scales of 3 bits
 * of 16 elements each, and 4 bits of d, which is a float16, the lowest first. */
static void iq1_m(const tn_grids *grids, const uint8_t *p, int8_t *code, float *scale, float *offset) {
    unsigned d = 0;
    for (int i = 0; i < 4; i++) d |= (unsigned)(half_word(p + 48 + 2 * i) >> 12) << (4 * i);
    for (int g = 0; g < 16; g++) {
        int s = half_word(p + 48 + g / 4 * 2) >> (g % 4 * 3) & 7;
        groups(g, 1, scale, offset, tn_f16_to_f32((uint16_t)d) * 0.125f * (float)(1 + 2 * s));
    }
    for (int i = 0; i < 32; i++) {
        int rest = nibble(p + 32, i);
        eighths(grids->iq1[p[i] | (rest & 7) << 8], rest >> 3, code + 8 * i);
    }
}
BLOCKS(iq1_m, 56)
