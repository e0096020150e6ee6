/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding.c - blocks that are written field by field from numbers, and decode to what the numbers say; sizes; random
 * bytes; packings of other projects; the codebook from the distribution it is made of. */
#include "tensor/encoding.h"
#include "test.h"
#include <math.h>

static uint64_t rng = 11;
static int between(int lo, int hi) { return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1)); }

/* A block is written by bits: field of n bits at bit `at` of the stream, the lowest of a byte first. */
static void put(uint8_t *block, int at, int n, int value) {
    for (int i = 0; i < n; i++) {
        uint8_t mask = (uint8_t)(1u << (at + i) % 8);
        block[(at + i) / 8] = (uint8_t)((block[(at + i) / 8] & ~mask) | ((value >> i & 1) ? mask : 0));
    }
}
static void put_half(uint8_t *block, int byte, float v) { put(block, 8 * byte, 16, tn_f32_to_f16(v)); }

/* What a block is made of: `code` as stored; element e is d * sub[e / 16] * code - least[e / 16]. */
typedef struct {
    float d, dmin;
    int sub[16], least[16], code[256];
} parts;

static parts draw(int code_lo, int code_hi, int sub_lo, int sub_hi, int least_hi) {
    parts p = { .d = (float)between(-64, 64) / 64, .dmin = (float)between(0, 64) / 32 };
    for (int i = 0; i < 16; i++) p.sub[i] = between(sub_lo, sub_hi), p.least[i] = between(0, least_hi);
    for (int i = 0; i < 256; i++) p.code[i] = between(code_lo, code_hi);
    return p;
}

static void expect(tn_encoding_id id, const uint8_t *block, const double *want) {
    const tn_encoding *e = &tn_encodings[id];
    tn_tensor t, out;
    check_ok(tn_tensor_encoded(&t, e, 1, (int64_t[]){ e->block }, block, (size_t)e->bytes, NULL));
    check_ok(tn_tensor_decode(&t, &out, TN_MEM_GENERAL));
    for (int i = 0; i < e->block; i++) {
        double have = (double)((float *)out.data)[i];
        check(fabs(have - want[i]) <= 1e-6 * fabs(want[i]) + 1e-6, "%s: element %d is %g, expected %g\n", e->name, i,
              have, want[i]);
    }
    tn_tensor_reset(&out);
}

/* Sixteen bytes whose low halves are elements 0 .. 15 and whose high ones 16 .. 31: bit position of element e. */
static int half_of(int e) { return e % 16 * 8 + e / 16 * 4; }

static void four_bits(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint8_t b[5][40] = { { 0 } };
        double want[4][32];
        parts p = draw(0, 15, 0, 0, 0), five = draw(0, 31, 0, 0, 0);
        put_half(b[0], 0, p.d), put_half(b[1], 0, p.d), put_half(b[1], 2, p.dmin);
        put_half(b[2], 0, p.d), put_half(b[3], 0, p.d), put_half(b[3], 2, p.dmin);
        for (int e = 0; e < 32; e++) {
            put(b[0] + 2, half_of(e), 4, p.code[e]);
            put(b[1] + 4, half_of(e), 4, p.code[e]);
            put(b[2] + 6, half_of(e), 4, five.code[e] % 16), put(b[2] + 2, e, 1, five.code[e] / 16);
            put(b[3] + 8, half_of(e), 4, five.code[e] % 16), put(b[3] + 4, e, 1, five.code[e] / 16);
            want[0][e] = (double)p.d * (p.code[e] - 8);
            want[1][e] = (double)p.d * p.code[e] + (double)p.dmin;
            want[2][e] = (double)p.d * (five.code[e] - 16);
            want[3][e] = (double)p.d * five.code[e] + (double)p.dmin;
        }
        expect(TN_ENC_Q4_0, b[0], want[0]), expect(TN_ENC_Q4_1, b[1], want[1]);
        expect(TN_ENC_Q5_0, b[2], want[2]), expect(TN_ENC_Q5_1, b[3], want[3]);
    }
}

static void eight_bits(void **state) {
    (void)state;
    uint8_t zero[34] = { 0 }, one[36] = { 0 }, k[292] = { 0 };
    double want[256];
    parts p = draw(-128, 127, 0, 0, 0);
    put_half(zero, 0, p.d), put_half(one, 0, p.d), put_half(one, 2, 77); /* the sum is not an element's business */
    memcpy(k, &p.d, 4);
    for (int e = 0; e < 256; e++) {
        if (e < 32) put(zero + 2, 8 * e, 8, p.code[e]), put(one + 4, 8 * e, 8, p.code[e]);
        put(k + 4, 8 * e, 8, p.code[e]);
        want[e] = (double)p.d * p.code[e];
    }
    expect(TN_ENC_Q8_0, zero, want), expect(TN_ENC_Q8_1, one, want), expect(TN_ENC_Q8_K, k, want);
}

/* Levels of the two tables of sixteen. */
static double level(int q) {
    static const int of[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };
    return of[q];
}
static double e2m1(int q) { /* sign, two bits of exponent of bias 1, one of the fraction */
    int exponent = q >> 1 & 3, fraction = q & 1;
    double v = exponent ? ldexp(1 + 0.5 * fraction, exponent - 1) : 0.5 * fraction;
    return q & 8 ? -v : v;
}

static void tables(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint8_t nl[18] = { 0 }, mx[17] = { 0 }, nv[36] = { 0 }, xs[136] = { 0 };
        double want[4][256];
        parts p = draw(0, 15, 0, 63, 0);
        int exponent = between(100, 140);
        put_half(nl, 0, p.d), put(mx, 0, 8, exponent), put_half(xs, 0, p.d);
        for (int g = 0; g < 4; g++) put(nv, 8 * g, 8, p.sub[g]); /* e4m3: e = sub / 8, m = sub % 8 */
        for (int g = 0; g < 8; g++) put(xs + 2, 2 * g, 2, p.sub[g] / 16), put(xs + 4, 4 * g, 4, p.sub[g] % 16);
        for (int e = 0; e < 256; e++) {
            int q = p.code[e], s = p.sub[e / 16 % 4];
            double e4m3 = s / 8 ? ldexp(1 + s % 8 / 8.0, s / 8 - 7) : ldexp(s % 8 / 8.0, -6);
            put(xs + 8 + e / 32 * 16, half_of(e % 32), 4, q);
            want[3][e] = (double)p.d * (p.sub[e / 32] - 32) * level(q);
            if (e < 64) put(nv + 4 + e / 16 * 8, e % 8 * 8 + e % 16 / 8 * 4, 4, q), want[2][e] = e4m3 * e2m1(q);
            if (e >= 32) continue;
            put(nl + 2, half_of(e), 4, q), put(mx + 1, half_of(e), 4, q);
            want[0][e] = (double)p.d * level(q), want[1][e] = ldexp(e2m1(q), exponent - 127);
        }
        expect(TN_ENC_IQ4_NL, nl, want[0]), expect(TN_ENC_MXFP4, mx, want[1]);
        expect(TN_ENC_NVFP4, nv, want[2]), expect(TN_ENC_IQ4_XS, xs, want[3]);
    }
}

/* Two bits of 64 bytes: 128 elements come of 32 bytes, four times 32. */
static int pair_of(int e) { return (e / 128 * 32 + e % 32) * 8 + e / 32 % 4 * 2; }

static void two_and_three_bits(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint8_t two[84] = { 0 }, three[110] = { 0 }, six[210] = { 0 };
        double want[3][256];
        parts p = draw(0, 3, 0, 15, 15), t = draw(0, 7, 0, 63, 0), s = draw(0, 63, -128, 127, 0);
        put_half(two, 80, p.d), put_half(two, 82, p.dmin), put_half(three, 108, t.d), put_half(six, 208, s.d);
        for (int g = 0; g < 16; g++) {
            put(two, 8 * g, 4, p.sub[g]), put(two, 8 * g + 4, 4, p.least[g]);
            put(three + 96, g % 8 * 8 + g / 8 * 4, 4, t.sub[g] % 16);
            put(three + 104, g % 4 * 8 + g / 4 * 2, 2, t.sub[g] / 16);
            put(six + 192, 8 * g, 8, s.sub[g]);
        }
        for (int e = 0; e < 256; e++) {
            int half = e / 128, row = e / 32 % 4, i = e % 32;
            put(two + 16, pair_of(e), 2, p.code[e]);
            put(three + 32, pair_of(e), 2, t.code[e] % 4), put(three, i * 8 + e / 32, 1, t.code[e] / 4);
            put(six, (half * 64 + row % 2 * 32 + i) * 8 + row / 2 * 4, 4, s.code[e] % 16);
            put(six + 128, (half * 32 + i) * 8 + row * 2, 2, s.code[e] / 16);
            want[0][e] = (double)p.d * p.sub[e / 16] * p.code[e] - (double)p.dmin * p.least[e / 16];
            want[1][e] = (double)t.d * (t.sub[e / 16] - 32) * (t.code[e] - 4);
            want[2][e] = (double)s.d * s.sub[e / 16] * (s.code[e] - 32);
        }
        expect(TN_ENC_Q2_K, two, want[0]), expect(TN_ENC_Q3_K, three, want[1]), expect(TN_ENC_Q6_K, six, want[2]);
    }
}

/* Six-bit scale i of the eight, or minimum i - 8: the low six bits of a byte, or two and four elsewhere. */
static void put_six(uint8_t *s, int i, int v) {
    int which = i % 8, least = i / 8;
    if (which < 4) {
        put(s, (which + 4 * least) * 8, 6, v);
    } else {
        put(s, (which + 4) * 8 + 4 * least, 4, v % 16);
        put(s, (which - 4 + 4 * least) * 8 + 6, 2, v / 16);
    }
}

static void four_and_five_bits(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint8_t four[144] = { 0 }, five[176] = { 0 };
        double want[2][256];
        parts p = draw(0, 31, 0, 63, 63);
        put_half(four, 0, p.d), put_half(four, 2, p.dmin), put_half(five, 0, p.d), put_half(five, 2, p.dmin);
        for (int i = 0; i < 8; i++) {
            put_six(four + 4, i, p.sub[i]), put_six(four + 4, 8 + i, p.least[i]);
            put_six(five + 4, i, p.sub[i]), put_six(five + 4, 8 + i, p.least[i]);
        }
        for (int e = 0; e < 256; e++) {
            int at = (e / 64 * 32 + e % 32) * 8 + e / 32 % 2 * 4, g = e / 32;
            put(four + 16, at, 4, p.code[e] % 16), put(five + 48, at, 4, p.code[e] % 16);
            put(five + 16, e % 32 * 8 + e / 32, 1, p.code[e] / 16);
            want[0][e] = (double)p.d * p.sub[g] * (p.code[e] % 16) - (double)p.dmin * p.least[g];
            want[1][e] = (double)p.d * p.sub[g] * p.code[e] - (double)p.dmin * p.least[g];
        }
        expect(TN_ENC_Q4_K, four, want[0]), expect(TN_ENC_Q5_K, five, want[1]);
    }
}

/* Five digits of base 3, the first the largest, as a fraction of 256 rounded up. */
static uint8_t trits(const int *digit, int n) {
    int v = 0;
    for (int i = 0; i < 5; i++) v = 3 * v + (i < n ? digit[i] : 0);
    return (uint8_t)((v * 256 + 242) / 243);
}

static void ternary(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint8_t one[54] = { 0 }, two[66] = { 0 };
        double want[256];
        int digit[5];
        parts p = draw(0, 2, 0, 0, 0);
        put_half(one, 52, p.d), put_half(two, 64, p.d);
        for (int i = 0; i < 52; i++) {
            int wide = i < 32 ? 32 : i < 48 ? 16 : 4, first = i < 32 ? i : i < 48 ? 160 + i - 32 : 240 + i - 48;
            for (int n = 0; n < (i < 48 ? 5 : 4); n++) digit[n] = p.code[first + n * wide];
            one[i] = trits(digit, i < 48 ? 5 : 4);
        }
        for (int e = 0; e < 256; e++) put(two, pair_of(e), 2, p.code[e]), want[e] = (double)p.d * (p.code[e] - 1);
        expect(TN_ENC_TQ1_0, one, want), expect(TN_ENC_TQ2_0, two, want);
    }
}

/* ------------------------------------------------------------------------------------------------- separate arrays */

static void uniform(void **state) {
    (void)state;
    for (int bits = 2; bits <= 8; bits++)
        for (int zeros = 0; zeros < 3; zeros++) {
            enum { ROWS = 3, BLOCK = 16, BLOCKS = 3 };
            uint8_t q[ROWS * BLOCKS * BLOCK] = { 0 }, packed[ROWS * BLOCKS] = { 0 };
            float scale[ROWS * BLOCKS], zero[ROWS * BLOCKS], out[BLOCKS * BLOCK];
            int row = BLOCKS * BLOCK * bits / 8, code[ROWS][BLOCKS * BLOCK], zrow = (BLOCKS * bits + 7) / 8;
            for (int r = 0; r < ROWS; r++)
                for (int e = 0; e < BLOCKS * BLOCK; e++)
                    put(q + r * row, e * bits, bits, code[r][e] = between(0, (1 << bits) - 1));
            for (int i = 0; i < ROWS * BLOCKS; i++) {
                scale[i] = (float)between(-8, 8) / 8;
                zero[i] = zeros == 2 ? (float)between(0, 99) / 8
                          : zeros    ? (float)between(0, (1 << bits) - 1)
                                     : (float)(1 << (bits - 1));
                if (zeros == 1) put(packed + i / BLOCKS * zrow, i % BLOCKS * bits, bits, (int)zero[i]);
            }
            tn_coded c = { &tn_encodings[TN_ENC_U2 + bits - 2], ROWS, 40, BLOCK, BLOCKS, { q, row, TN_U8 },
                           { scale, BLOCKS * 4, TN_F32 } };
            if (zeros == 1) c.zero = (tn_part){ packed, zrow, TN_U8 };
            if (zeros == 2) c.zero = (tn_part){ zero, BLOCKS * 4, TN_F32 };
            for (int r = 0; r < ROWS; r++) {
                tn_coded_decode(&c, r, 16, 24, out);
                for (int e = 16; e < 40; e++) {
                    float want = ((float)code[r][e] - zero[r * BLOCKS + e / BLOCK]) * scale[r * BLOCKS + e / BLOCK];
                    check(out[e - 16] == want, "%d bits: %g, expected %g\n", bits, (double)out[e - 16], (double)want);
                }
            }
        }
}

/* x such that a standard normal number is below it with probability p. */
static double quantile(double p) {
    double lo = -10, hi = 10;
    for (int i = 0; i < 200; i++) {
        double mid = (lo + hi) / 2;
        *(0.5 * erfc(-mid / sqrt(2)) < p ? &lo : &hi) = mid;
    }
    return lo;
}

/* Eight levels above 0 and seven below are quantiles at equal steps from 1/2 to 0.9677083, over the largest. */
static void normal_codebook(void **state) {
    (void)state;
    uint8_t q[8];
    uint16_t scale = tn_f32_to_f16(2);
    float out[16];
    const double end = 0.9677083, most = quantile(end);
    for (int i = 0; i < 8; i++) q[i] = (uint8_t)((2 * i) << 4 | (2 * i + 1)); /* the first element is the high half */
    tn_coded c = { &tn_encodings[TN_ENC_NF4], 1, 16, 64, 1, { q, 8, TN_U8 }, { &scale, 2, TN_F16 }, { 0 } };
    tn_coded_decode(&c, 0, 0, 16, out);
    for (int i = 0; i < 16; i++) {
        double want = i < 7    ? -quantile(end + (0.5 - end) * i / 7) / most
                      : i == 7 ? 0
                               : quantile(end + (0.5 - end) * (15 - i) / 8) / most;
        check(fabs((double)out[i] / 2 - want) < 1e-6, "level %d: %.9g, expected %.9g\n", i, (double)out[i] / 2, want);
    }
}

static void words(void **state) {
    (void)state;
    enum { K = 32, N = 16, GROUP = 16, GROUPS = K / GROUP };
    static const int dealt[8] = { 0, 2, 4, 6, 1, 3, 5, 7 }; /* AWQ: the column that field f of a word holds */
    int code[K][N], zero[GROUPS][N];
    float scales[GROUPS][N], s[N * GROUPS], z[N * GROUPS];
    for (int k = 0; k < K; k++)
        for (int n = 0; n < N; n++) code[k][n] = between(0, 15);
    for (int g = 0; g < GROUPS; g++)
        for (int n = 0; n < N; n++) zero[g][n] = between(0, 15), scales[g][n] = (float)between(1, 99);
    for (int awq = 0; awq < 2; awq++) {
        uint32_t q[K * N / 8] = { 0 }, zeros[GROUPS * N / 8] = { 0 };
        uint8_t out[N * K / 2];
        for (int k = 0; k < K; k++)
            for (int n = 0; n < N; n++)
                for (int f = 0; f < 8; f++) {
                    if (awq && dealt[f] == n % 8) q[k * N / 8 + n / 8] |= (uint32_t)code[k][n] << 4 * f;
                    if (!awq && f == k % 8) q[k / 8 * N + n] |= (uint32_t)code[k][n] << 4 * f;
                }
        for (int g = 0; g < GROUPS; g++)
            for (int n = 0; n < N; n++)
                for (int f = 0; f < 8; f++)
                    if ((awq ? dealt[f] : f) == n % 8) zeros[g * N / 8 + n / 8] |= (uint32_t)zero[g][n] << 4 * f;
        tn_packed_words w = { awq ? TN_PACKING_AWQ : TN_PACKING_GPTQ, 4, K, N, GROUP, q, zeros, scales, TN_F32 };
        check_ok(tn_packed_unpack(&w, out, z, s));
        for (int n = 0; n < N; n++)
            for (int k = 0; k < K; k++) {
                assert_int_equal(out[n * K / 2 + k / 2] >> k % 2 * 4 & 15, code[k][n]);
                assert_true(z[n * GROUPS + k / GROUP] == (float)(zero[k / GROUP][n] + !awq));
                assert_true(s[n * GROUPS + k / GROUP] == scales[k / GROUP][n]);
            }
        w.group = 5;
        check_fails(tn_packed_unpack(&w, out, z, s), TN_E_SHAPE, "groups divide K");
        w.bits = 3;
        check_fails(tn_packed_unpack(&w, out, z, s), TN_E_UNSUPPORTED, "3 bits");
    }
}

/* ------------------------------------------------------------------------------------------------------- tensors */

static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double bits;
    } known[] = { { "Q4_0", 4.5 },     { "Q8_0", 8.5 },   { "Q2_K", 2.625 },   { "Q3_K", 3.4375 },
                  { "Q4_K", 4.5 },     { "Q5_K", 5.5 },   { "Q6_K", 6.5625 },  { "IQ4_XS", 4.25 },
                  { "TQ1_0", 1.6875 }, { "MXFP4", 4.25 }, { "IQ1_S", 1.5625 }, { "IQ2_XXS", 2.0625 } };
    for (size_t i = 0; i < TN_COUNT(known); i++)
        assert_true(tn_encoding_bits(tn_encoding_named(known[i].name)) == known[i].bits);
    assert_null(tn_encoding_named("Q9_0"));
    assert_null(tn_encoding_of_gguf(0));
    assert_null(tn_encoding_of_gguf(-1));
    assert_ptr_equal(tn_encoding_of_gguf(12), &tn_encodings[TN_ENC_Q4_K]);
    const tn_encoding *k = &tn_encodings[TN_ENC_Q4_K];
    tn_tensor t, copy;
    uint8_t two[288] = { 0 };
    check_fails(tn_tensor_encoded(&t, k, 2, (int64_t[]){ 2, 255 }, two, 999, NULL), TN_E_SHAPE, "blocks of 256");
    check_fails(tn_tensor_encoded(&t, k, 0, NULL, two, 999, NULL), TN_E_SHAPE, "blocks of 256");
    check_fails(tn_tensor_encoded(&t, k, 2, (int64_t[]){ 2, 256 }, two, 287, NULL), TN_E_SHAPE, "288 bytes");
    check_fails(tn_tensor_encoded(&t, k, 2, (int64_t[]){ INT64_MAX / 256, 256 }, two, 287, NULL), TN_E_SHAPE, "large");
    check_fails(tn_tensor_encoded(&t, k, 1, (int64_t[]){ -256 }, two, 288, NULL), TN_E_SHAPE, "negative");
    check_fails(tn_tensor_encoded(&t, &tn_encodings[TN_ENC_U4], 1, (int64_t[]){ 256 }, two, 288, NULL),
                TN_E_UNSUPPORTED, "array of their own");
    check_ok(tn_tensor_encoded(&t, k, 2, (int64_t[]){ 2, 256 }, two, 288, NULL));
    assert_int_equal(tn_tensor_bytes(&t), 288);
    two[287] = 7;
    check_ok(tn_tensor_copy(&copy, &t, TN_MEM_GENERAL));
    assert_true(copy.encoding == k && copy.data != t.data);
    assert_memory_equal(copy.data, two, 288);
    check_fails(tn_tensor_plain(&copy, "w"), TN_E_UNSUPPORTED, "w holds Q4_K blocks");
    tn_tensor_reset(&copy);
}

/* All bytes can come, also as scales that are not numbers. */
static void any_bytes(void **state) {
    (void)state;
    for (int id = 0; id < TN_ENC_COUNT; id++) {
        const tn_encoding *e = &tn_encodings[id];
        if (!e->split) continue;
        for (int round = 0; round < 200; round++) {
            uint8_t *b = malloc((size_t)e->bytes); /* of its own, for the sanitizer */
            float out[TN_BLOCK_MAX];
            assert_non_null(b);
            for (int i = 0; i < e->bytes; i++) b[i] = round ? (uint8_t)test_random(&rng) : 255;
            tn_coded c = { e, 1, e->block, e->block, 1, { b, e->bytes, TN_U8 }, { 0 }, { 0 } };
            tn_coded_decode(&c, 0, 0, e->block, out);
            free(b);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(four_bits),
                                        cmocka_unit_test(eight_bits),
                                        cmocka_unit_test(tables),
                                        cmocka_unit_test(two_and_three_bits),
                                        cmocka_unit_test(four_and_five_bits),
                                        cmocka_unit_test(ternary),
                                        cmocka_unit_test(uniform),
                                        cmocka_unit_test(normal_codebook),
                                        cmocka_unit_test(words),
                                        cmocka_unit_test(sizes),
                                        cmocka_unit_test(any_bytes) };
    return cmocka_run_group_tests_name("tensor/encoding", tests, NULL, NULL);
}
