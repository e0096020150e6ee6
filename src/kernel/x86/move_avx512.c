/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move_avx512.c - 2-D transposition of 32-bit elements, 16x16 in registers with masked edges, so that narrow matrices
 * (a few channels, interleaved planes) run at speed too. */
#include "kernel/move.h"
#include "kernel/x86/tables.h"
#include <immintrin.h>

/* rows, cols <= 16; rows of x beyond `rows` read as zero and are not written. */
static inline void block(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols) {
    __m512 a[16], t[16];
    __mmask16 across = (__mmask16)((1u << cols) - 1), down = (__mmask16)((1u << rows) - 1);
    for (int i = 0; i < 16; i++) a[i] = i < rows ? _mm512_maskz_loadu_ps(across, x + i * ldx) : _mm512_setzero_ps();
    for (int i = 0; i < 16; i += 2) { /* pairs of rows: 2x2 */
        t[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) { /* 4x4 within each quarter */
        a[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        a[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        a[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        a[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) { /* quarters change places: column c = 4 q + i is quarter q of rows i, i + 4, ... */
        t[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        a[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        a[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        a[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        a[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
    for (int i = 0; i < 16; i++)
        if (i < cols) _mm512_mask_storeu_ps(y + i * ldy, down, a[i]);
}

static void transpose32(const char *x, int64_t ldx, char *y, int64_t ldy, int64_t rows, int64_t cols) {
    for (int64_t c = 0; c < cols; c += 16) {
        int64_t w = cols - c < 16 ? cols - c : 16, r = 0;
        if (w == 16)
            for (; r + 16 <= rows; r += 16) block(x + r * ldx + c * 4, ldx, y + c * ldy + r * 4, ldy, 16, 16);
        for (; r < rows; r += 16)
            block(x + r * ldx + c * 4, ldx, y + c * ldy + r * 4, ldy, rows - r < 16 ? rows - r : 16, w);
    }
}

const tn_move_kernels TN_TABLE(move, avx512) = { .transpose = { [2] = transpose32 } };
