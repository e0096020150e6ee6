/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* half.c - 16-bit floats to float32 and back: every variant against the codec, bit by bit. Widening meets every code
 * there is; narrowing numbers beside each code's neighbours, subnormal ones, NaNs and what is out of range. */
#include "kernel/half.h"
#include "lib/kernel_check.h"
#include "tensor/codec.h"

enum { CODES = 1 << 16, PIECE = 4096 };

static void widen(check_ctx *c) {
    size_t n = check_size(c, 300);
    uint16_t *h = check_out(c, n * sizeof *h);
    float *f16 = check_out(c, n * sizeof *f16), *bf16 = check_out(c, n * sizeof *bf16), want[300];
    for (size_t i = 0; i < n; i++) h[i] = (uint16_t)check_random(c);
    check_call(c, c->fast->half.widen_f16(h, f16, n));
    check_call(c, c->fast->half.widen_bf16(h, bf16, n));
    for (size_t i = 0; i < n; i++) want[i] = tn_decode_f16(h[i]);
    check_same(c, f16, want, n * sizeof *want);
    for (size_t i = 0; i < n; i++) want[i] = tn_from_bits((uint32_t)h[i] << 16);
    check_same(c, bf16, want, n * sizeof *want);
}

/* A piece of all codes, and back again. */
static void every_code(check_ctx *c) {
    uint16_t h[PIECE], back[PIECE];
    float f[PIECE], want[PIECE];
    int from = (int)check_int(c, 0, CODES / PIECE - 1) * PIECE;
    for (int i = 0; i < PIECE; i++) h[i] = (uint16_t)(from + i), want[i] = tn_decode_f16(h[i]);
    check_call(c, c->fast->half.widen_f16(h, f, PIECE));
    check_same(c, f, want, sizeof want);
    check_call(c, c->fast->half.narrow_f16(f, back, PIECE));
    for (int i = 0; i < PIECE; i++) /* a signalling NaN has become a quiet one */
        if ((h[i] & 0x7fff) > 0x7c00) h[i] |= 0x200;
    check_same(c, back, h, sizeof back);
}

/* A float near one that the type holds, or halfway between two, or any bits at all. */
static float number(check_ctx *c, int dropped) {
    uint32_t bits = (uint32_t)check_random(c);
    switch (check_int(c, 0, 4)) {
    case 0: return tn_from_bits(bits);
    case 1: return tn_from_bits(bits >> dropped << dropped | 1u << (dropped - 1)); /* a half */
    case 2: return tn_from_bits((bits >> dropped << dropped | 1u << (dropped - 1)) + (uint32_t)check_int(c, 0, 2) - 1);
    case 3: return check_float(c, -70000, 70000);
    default: return check_float(c, -1e-4f, 1e-4f);
    }
}

static void narrow(check_ctx *c) {
    size_t n = check_size(c, 300);
    float *f = check_floats(c, n);
    uint16_t *f16 = check_out(c, n * sizeof *f16), *bf16 = check_out(c, n * sizeof *bf16), want[300];
    for (size_t i = 0; i < n; i++) f[i] = number(c, i % 2 ? 13 : 16);
    check_call(c, c->fast->half.narrow_f16(f, f16, n));
    check_call(c, c->fast->half.narrow_bf16(f, bf16, n));
    for (size_t i = 0; i < n; i++) want[i] = tn_encode_f16(f[i]);
    check_same(c, f16, want, n * sizeof *want);
    for (size_t i = 0; i < n; i++) want[i] = tn_encode_bf16(f[i]);
    check_same(c, bf16, want, n * sizeof *want);
}

static const check_case cases[] = { { "widen", widen, 300 },
                                    { "every code", every_code, 64 },
                                    { "narrow", narrow, 300 } };

int main(int argc, char **argv) { return check_main("half", cases, TN_COUNT(cases), argc, argv); }
