/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding_published.c - blocks of random bytes decode to the numbers that GGUF's own reader makes of them.
 *
 * The hashes are of what the dequantisers of the Python package gguf 0.19.0 (numpy) give for the same bytes, which
 * are drawn here; every index of every grid comes up. All is equal bit by bit: products of a scale's 11 bits and those
 * of codes are exact, or rounded once. */
#include "tensor/encoding.h"
#include "test.h"
#include <math.h>
#include <string.h>

enum { BLOCKS = 512 };

/* Where a float16 scale lies is known, so that it can be made a number: its exponent loses the top bit. */
static const struct {
    tn_encoding_id id;
    int scale; /* its first byte; -1: see below */
    uint64_t hash;
} published[] = {
    { TN_ENC_IQ1_S, 0, 0x7103a5e5c59d57e5 },   { TN_ENC_IQ1_M, 54, 0x540bd7414374d005 },
    { TN_ENC_IQ2_XXS, 0, 0x0a9861ca26f19bc9 }, { TN_ENC_IQ2_XS, 0, 0x97d73265ee972945 },
    { TN_ENC_IQ2_S, 0, 0xb1d8f03609fbbefd },   { TN_ENC_IQ3_XXS, 0, 0xf058a45969304e2d },
    { TN_ENC_IQ3_S, 0, 0x0bc07445cb224035 },   { TN_ENC_IQ4_XS, 0, 0xd4d2dd62e2b61d31 },
    { TN_ENC_Q6_K, 208, 0xb8892b2775893d41 },  { TN_ENC_TQ1_0, 52, 0xf7714caacadb2325 },
    { TN_ENC_TQ2_0, 64, 0x8b65b02be977e325 },  { TN_ENC_Q3_K, 108, 0x61d8da27556a5ea5 },
    { TN_ENC_IQ4_NL, 0, 0xd60326c84f8afba5 },  { TN_ENC_MXFP4, -1, 0x795b3089a2472325 },
    { TN_ENC_NVFP4, -1, 0x6127b901d8ec2325 },  { TN_ENC_Q4_0, 0, 0xa761620c1c589325 },
    { TN_ENC_Q5_0, 0, 0x00c13e2904ea0125 },    { TN_ENC_Q8_0, 0, 0x7377f4401ddc9f25 },
};

static void make_number(const tn_encoding *e, int scale, uint8_t *block) {
    if (scale >= 0)
        block[scale + 1] &= 0xbf;
    else if (e->id == TN_ENC_MXFP4)
        block[0] = (block[0] & 127) | 64; /* an exponent of two */
    else
        for (int i = 0; i < 4; i++) block[i] &= 0x77; /* e4m3, none of which is NaN then */
}

static uint64_t hash_of(uint64_t h, int64_t n, const float *v) {
    for (int64_t i = 0; i < n; i++) {
        float f = v[i] + 0.0f; /* the sign of zero is nobody's business */
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        h = (h ^ bits) * 0x100000001b3u;
    }
    return h;
}

static void decode(void **state) {
    (void)state;
    for (size_t i = 0; i < TN_COUNT(published); i++) {
        const tn_encoding *e = &tn_encodings[published[i].id];
        uint64_t rng = 2026, h = 0xcbf29ce484222325u;
        for (int b = 0; b < BLOCKS; b++) {
            uint8_t block[TN_BLOCK_MAX];
            float v[TN_BLOCK_MAX];
            for (int k = 0; k < e->bytes; k++) block[k] = (uint8_t)test_random(&rng);
            make_number(e, published[i].scale, block);
            tn_coded c = { e, 1, e->block, e->block, 1, { block, e->bytes, TN_U8 }, { 0 }, { 0 } };
            tn_coded_decode(&c, 0, 0, e->block, v);
            h = hash_of(h, e->block, v);
        }
        check(h == published[i].hash, "%s: hash %016llx\n", e->name, (unsigned long long)h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(decode) };
    return cmocka_run_group_tests_name("tensor/encoding_published", tests, NULL, NULL);
}
