/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* random.h - random numbers by position: number i of a stream is a function of the stream's key and i, so that threads
 * fill any part of a tensor and the result does not depend on how it was cut.
 * Source: SplitMix64 (Steele, Lea & Flood, OOPSLA 2014); normal numbers by Box & Muller (AMS 29(2), 1958). */
#ifndef TN_BASE_RANDOM_H
#define TN_BASE_RANDOM_H

#include <math.h>
#include <stdint.h>

#define TN_RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t tn_random_mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** The key of a seed's stream: neighbouring seeds have streams that have nothing in common. */
static inline uint64_t tn_random_key(uint64_t seed) {
    return tn_random_mix(tn_random_mix(seed + TN_RANDOM_STEP) ^ UINT64_C(0xd1b54a32d192ed03));
}

/** The key of a stream that no other call in this or another process gets, as far as one can tell. */
uint64_t tn_random_fresh_key(void);

static inline uint64_t tn_random_at(uint64_t key, uint64_t i) { return tn_random_mix(key + (i + 1) * TN_RANDOM_STEP); }

/** Uniform in [0, 1): a multiple of 2^-bits, bits <= 53. */
static inline double tn_random_uniform(uint64_t key, uint64_t i, int bits) {
    return (double)(tn_random_at(key, i) >> (64 - bits)) / (double)(UINT64_C(1) << bits);
}

/** Standard normal. */
static inline double tn_random_normal(uint64_t key, uint64_t i) {
    double u = (double)((tn_random_at(key, 2 * i) >> 11) + 1) * 0x1p-53, v = tn_random_uniform(key, 2 * i + 1, 53);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

#endif
