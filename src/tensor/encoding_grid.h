/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding_grid.h - the points that IQ1, IQ2 and IQ3 pick their codes from: eight (IQ3: four) codes at a time. */
#ifndef TN_TENSOR_ENCODING_GRID_H
#define TN_TENSOR_ENCODING_GRID_H

#include <stdint.h>

typedef struct {
    int8_t iq2_xxs[256][8], iq2_xs[512][8], iq2_s[1024][8]; /* of 8, 25 and 43 */
    int8_t iq1[2048][8];                                    /* of -8, 0 and 8: eighths, as IQ1's offsets are */
    int8_t iq3_xxs[256][4];                                 /* of 4, 12, .. 52, 62 */
    int8_t iq3_s[512][4];                                   /* of 1, 3, .. 15 */
} tn_grids;

/** Made once in a process, by whoever asks first. Safe from many threads. */
const tn_grids *tn_grids_get(void);

/** Signs of IQ2_XXS, IQ2_XS and IQ3_XXS: seven are stored, the eighth makes their number even. */
static inline unsigned tn_even_signs(unsigned seven) {
    return seven | (0x6996u >> ((seven ^ seven >> 4) & 15) & 1) << 7;
}

#endif
