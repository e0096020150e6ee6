/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding_split.c - blocks into codes, scales and offsets: one short function an encoding, the definition of correct.
 *
 * Layouts by bytes from the begin of a block; h: a float16. */
#include "tensor/encoding_split.h"
#include <math.h>
#include <string.h>

static float half_at(const uint8_t *p) { return tn_f16_to_f32((uint16_t)(p[0] | p[1] << 8)); }
static int low(uint8_t b) { return b & 15; }
static int high(uint8_t b) { return b >> 4; }

/* One scale and offset for n groups. */
static void all(int n, float *scale, float *offset, float s, float o) {
    for (int i = 0; i < n; i++) scale[i] = s, offset[i] = o;
}

/* A function of n blocks from a function of one. */
#define BLOCKS(name, elements, size)                                                                       \
    void tn_split_##name(int64_t blocks, const uint8_t *from, int8_t *code, float *scale, float *offset) { \
        for (int64_t b = 0; b < blocks; b++)                                                               \
            name(from + b * (size), code + b * (elements), scale + b * (elements) / TN_GROUP,              \
                 offset + b * (elements) / TN_GROUP);                                                      \
    }

/* ---------------------------------------------------------------------------------------------- blocks of 32 */

/* d: h, 16 bytes; low halves are elements 0 .. 15, high ones 16 .. 31. (q - 8) d */
static void q4_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), 0);
    for (int i = 0; i < 16; i++) code[i] = (int8_t)(low(p[2 + i]) - 8), code[16 + i] = (int8_t)(high(p[2 + i]) - 8);
}
BLOCKS(q4_0, 32, 18)

/* d: h, m: h, 16 bytes as above. q d + m */
static void q4_1(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), half_at(p + 2));
    for (int i = 0; i < 16; i++) code[i] = (int8_t)low(p[4 + i]), code[16 + i] = (int8_t)high(p[4 + i]);
}
BLOCKS(q4_1, 32, 20)

/* 4 bytes of fifth bits, element i's being bit i; 16 bytes as above. */
static void fives(const uint8_t *fifth, const uint8_t *q, int less, int8_t *code) {
    for (int i = 0; i < 32; i++) {
        int four = i < 16 ? low(q[i]) : high(q[i - 16]);
        code[i] = (int8_t)((four | (fifth[i / 8] >> i % 8 & 1) << 4) - less);
    }
}

/* d: h, fifth bits, 16 bytes. (q - 16) d */
static void q5_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), 0);
    fives(p + 2, p + 6, 16, code);
}
BLOCKS(q5_0, 32, 22)

/* d: h, m: h, fifth bits, 16 bytes. q d + m */
static void q5_1(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), half_at(p + 2));
    fives(p + 4, p + 8, 0, code);
}
BLOCKS(q5_1, 32, 24)

/* d: h, 32 signed bytes. */
static void q8_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), 0);
    memcpy(code, p + 2, 32);
}
BLOCKS(q8_0, 32, 34)

/* d: h, d times the sum of the codes: h, 32 signed bytes. */
static void q8_1(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), 0);
    memcpy(code, p + 4, 32);
}
BLOCKS(q8_1, 32, 36)

static void sixteen(const int8_t *table, int n, const uint8_t *q, int8_t *code) {
    for (int i = 0; i < n; i++) code[i] = table[low(q[i])], code[n + i] = table[high(q[i])];
}

/* As q4_0, a half naming a level. */
static void iq4_nl(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, half_at(p), 0);
    sixteen(tn_iq4_levels, 16, p + 2, code);
}
BLOCKS(iq4_nl, 32, 18)

/* An exponent: 2^(e - 127), 16 bytes as q4_0. OCP Microscaling Formats 1.0; e = 255 is NaN there. */
static void mxfp4(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(2, scale, offset, p[0] == 255 ? NAN : ldexpf(0.5f, p[0] - 127), 0);
    sixteen(tn_f4_twice, 16, p + 1, code);
}
BLOCKS(mxfp4, 32, 17)

/* Four float8 (e4m3, the sign unused) scales, then four times 8 bytes of 16 elements. */
static void nvfp4(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    for (int g = 0; g < 4; g++) {
        all(1, scale + g, offset + g, 0.5f * tn_f8_to_f32(TN_F8E4M3FN, p[g] & 127), 0);
        sixteen(tn_f4_twice, 8, p + 4 + 8 * g, code + 16 * g);
    }
}
BLOCKS(nvfp4, 64, 36)

/* ---------------------------------------------------------------------------------------------- blocks of 256 */

/* 16 bytes: scale and minimum (high) of 16 groups, in 4 bits each; 64 bytes; d: h; dmin: h. Of 32 bytes, element
 * 32 s + i of 128 is in bits 2 s of byte i. */
static void q2_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    float d = half_at(p + 80), dmin = half_at(p + 82);
    for (int g = 0; g < 16; g++) scale[g] = d * (float)low(p[g]), offset[g] = -(dmin * (float)high(p[g]));
    for (int e = 0; e < 256; e++) code[e] = p[16 + e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3;
}
BLOCKS(q2_k, 256, 84)

/* 32 bytes of third bits, element e's being bit e / 32 of byte e % 32; 64 bytes as q2_k; 12 bytes of 6-bit scales less
 * 32: low halves of the first 8 bytes, then their high ones, and of scale g bits 2 (g / 4) of byte 8 + g % 4; d: h. */
static void q3_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    const uint8_t *s = p + 96;
    float d = half_at(p + 108);
    for (int g = 0; g < 16; g++) {
        int four = g < 8 ? low(s[g]) : high(s[g - 8]), two = s[8 + g % 4] >> (g / 4 * 2) & 3;
        scale[g] = d * (float)((four | two << 4) - 32), offset[g] = 0;
    }
    for (int e = 0; e < 256; e++) {
        int two = p[32 + e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3, third = p[e % 32] >> (e / 32) & 1;
        code[e] = (int8_t)(two + 4 * third - 4);
    }
}
BLOCKS(q3_k, 256, 110)

/* 12 bytes: scales and minima of 8 times 32 elements in 6 bits each. The first four scales, then the first four minima,
 * lie in the low 6 bits of bytes 0 .. 7; the halves of bytes 8 .. 11 and the spare bits of those are the others. */
static void six_bits(const uint8_t *s, float d, float dmin, float *scale, float *offset) {
    for (int i = 0; i < 8; i++) {
        int sc = i < 4 ? s[i] & 63 : low(s[i + 4]) | s[i - 4] >> 6 << 4;
        int mn = i < 4 ? s[i + 4] & 63 : high(s[i + 4]) | s[i] >> 6 << 4;
        all(2, scale + 2 * i, offset + 2 * i, d * (float)sc, -(dmin * (float)mn));
    }
}

/* Of 32 bytes, low halves are elements 0 .. 31 of 64. */
static int of_64(const uint8_t *q, int e) {
    uint8_t b = q[e / 64 * 32 + e % 32];
    return e % 64 < 32 ? low(b) : high(b);
}

/* d: h, dmin: h, 12 bytes of scales, 128 bytes. */
static void q4_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    six_bits(p + 4, half_at(p), half_at(p + 2), scale, offset);
    for (int e = 0; e < 256; e++) code[e] = (int8_t)of_64(p + 16, e);
}
BLOCKS(q4_k, 256, 144)

/* As q4_k with 32 bytes before the 128: the fifth bit of element e is bit e / 32 of byte e % 32. */
static void q5_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    six_bits(p + 4, half_at(p), half_at(p + 2), scale, offset);
    for (int e = 0; e < 256; e++) code[e] = (int8_t)(of_64(p + 48, e) | (p[16 + e % 32] >> (e / 32) & 1) << 4);
}
BLOCKS(q5_k, 256, 176)

/* 128 bytes of low halves, 64 of high pairs of bits, 16 signed scales, d: h. Of 64 (32) bytes come 128 elements: rows
 * of 32, 0 and 1 in the low halves, 2 and 3 in the high ones; row r's pair is bits 2 r. (q - 32) d scale */
static void q6_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    float d = half_at(p + 208);
    for (int g = 0; g < 16; g++) scale[g] = d * (float)(int8_t)p[192 + g], offset[g] = 0;
    for (int e = 0; e < 256; e++) {
        int half = e / 128, r = e % 128 / 32, i = e % 32;
        uint8_t b = p[half * 64 + r % 2 * 32 + i];
        int two = p[128 + half * 32 + i] >> (2 * r) & 3;
        code[e] = (int8_t)(((r < 2 ? low(b) : high(b)) | two << 4) - 32);
    }
}
BLOCKS(q6_k, 256, 210)

/* d: float32, 256 signed bytes, 16 sums of them. */
static void q8_k(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    float d;
    uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    memcpy(&d, &bits, sizeof d);
    all(16, scale, offset, d, 0);
    memcpy(code, p + 4, 256);
}
BLOCKS(q8_k, 256, 292)

/* d: h; 16 bits, 4 bytes: scales less 32, two high bits and four low ones of each; 128 bytes as eight of iq4_nl. */
static void iq4_xs(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    float d = half_at(p);
    int pairs = p[2] | p[3] << 8;
    for (int b = 0; b < 8; b++) {
        int four = p[4 + b / 2] >> (b % 2 * 4) & 15;
        all(2, scale + 2 * b, offset + 2 * b, d * (float)((four | (pairs >> (2 * b) & 3) << 4) - 32), 0);
        sixteen(tn_iq4_levels, 16, p + 8 + 16 * b, code + 32 * b);
    }
}
BLOCKS(iq4_xs, 256, 136)

/* Digit n of the five (four) base-3 digits in a byte, which is ceil(256 / 243 of them as a number): times 3^n, the rest
 * of 256 has the digit as what times 3 exceeds a byte. */
static int8_t trit(uint8_t b, int n) {
    static const uint8_t power[5] = { 1, 3, 9, 27, 81 };
    uint8_t rest = (uint8_t)(b * power[n]);
    return (int8_t)((rest * 3 >> 8) - 1);
}

/* 32 bytes: digit n of byte i is element 32 n + i; 16 bytes: 16 n + i, from 160 on; 4 bytes: 4 n + i, from 240 on;
 * d: h. (digit - 1) d */
static void tq1_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(16, scale, offset, half_at(p + 52), 0);
    for (int e = 0; e < 160; e++) code[e] = trit(p[e % 32], e / 32);
    for (int e = 0; e < 80; e++) code[160 + e] = trit(p[32 + e % 16], e / 16);
    for (int e = 0; e < 16; e++) code[240 + e] = trit(p[48 + e % 4], e / 4);
}
BLOCKS(tq1_0, 256, 54)

/* 64 bytes as q2_k, d: h. (q - 1) d */
static void tq2_0(const uint8_t *p, int8_t *code, float *scale, float *offset) {
    all(16, scale, offset, half_at(p + 64), 0);
    for (int e = 0; e < 256; e++) code[e] = (int8_t)((p[e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3) - 1);
}
BLOCKS(tq2_0, 256, 66)
