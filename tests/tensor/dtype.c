/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dtype.c - every code of every narrow float, and conversions, against plain arithmetic: values by powl, rounding by
 * looking for the nearest value in a list. */
#include "tensor/dtype.h"
#include "test.h"
#include <math.h>

/* A format as the specifications print it. */
typedef struct {
    tn_dtype t;
    int exponent, mantissa, bias;
    unsigned codes;         /* without the sign */
    unsigned largest;       /* code of the largest finite number */
    unsigned infinity, nan; /* codes; 0: none */
    bool uz;
} format;

static const format formats[] = {
    { TN_F16, 5, 10, 15, 0x8000, 0x7bff, 0x7c00, 0x7e00, false },
    { TN_BF16, 8, 7, 127, 0x8000, 0x7f7f, 0x7f80, 0x7fc0, false },
    { TN_F8E4M3FN, 4, 3, 7, 0x80, 0x7e, 0, 0x7f, false },
    { TN_F8E4M3FNUZ, 4, 3, 8, 0x80, 0x7f, 0, 0x80, true },
    { TN_F8E5M2, 5, 2, 15, 0x80, 0x7b, 0x7c, 0x7f, false },
    { TN_F8E5M2FNUZ, 5, 2, 16, 0x80, 0x7f, 0, 0x80, true },
    { TN_F4E2M1, 2, 1, 1, 8, 7, 0, 0, false },
};

static long double formula(const format *f, unsigned code) {
    unsigned e = code >> f->mantissa, m = code & ((1u << f->mantissa) - 1);
    long double fraction = (long double)m / (1u << f->mantissa);
    return e ? powl(2, (int)e - f->bias) * (1 + fraction) : powl(2, 1 - f->bias) * fraction;
}

/* Of the format asked last; powl is slow. */
static long double value_of(const format *f, unsigned code) {
    static long double values[0x8000];
    static const format *of;
    if (of != f) {
        of = f;
        for (unsigned c = 0; c < f->codes; c++) values[c] = formula(f, c);
    }
    return values[code];
}

/* The code nearest to x >= 0, ties to the even code; above the last midpoint: largest + 1. */
static unsigned nearest(const format *f, long double x) {
    unsigned lo = 0, hi = f->largest;
    while (lo < hi) { /* the first code whose value is >= x */
        unsigned mid = (lo + hi) / 2;
        if (value_of(f, mid) >= x)
            hi = mid;
        else
            lo = mid + 1;
    }
    long double v = value_of(f, lo);
    if (v == x) return lo;
    if (v <
        x) { /* beyond the largest: where the next one would be, the tie rounds up, since largest + 1 or it is even */
        long double step = v - value_of(f, lo - 1), half = v + step / 2;
        return x < half || (x == half && f->largest % 2 == 0) ? lo : lo + 1;
    }
    long double below = value_of(f, lo - 1), half = (below + v) / 2;
    return x < half || (x == half && lo % 2) ? lo - 1 : lo;
}

/* The expected code for x, any sign, as ONNX Cast-25's tables say. */
static unsigned expected(const format *f, long double x, bool saturate) {
    unsigned sign = signbit(x) ? f->codes : 0;
    bool narrow = f->t != TN_F16 && f->t != TN_BF16;
    if (f->t == TN_F4E2M1) saturate = true;
    if (isnan(x)) return f->t == TN_F4E2M1 ? 8 : f->uz ? 0x80 : sign | f->nan;
    unsigned c = isinf(x) ? f->largest + 1 : nearest(f, fabsl(x));
    if (c > f->largest) {
        if (narrow && saturate)
            c = f->largest;
        else if (f->uz)
            return 0x80;
        else
            c = f->infinity ? f->infinity : f->nan;
    }
    return f->uz && c == 0 ? 0 : sign | c;
}

static unsigned stored(tn_dtype t, const void *p) {
    return tn_dtypes[t].bytes == 2 ? *(const uint16_t *)p : *(const uint8_t *)p;
}

static void expect_code(const format *f, tn_dtype from, const void *x, long double exact, bool saturate) {
    uint16_t out = 0;
    check_ok(tn_convert(from, x, f->t, &out, 1, saturate, TN_ROUND_UP));
    unsigned got = stored(f->t, &out), want = expected(f, exact, saturate);
    check(got == want, "%s from %s: %.20Lg gave %#x, expected %#x (saturate %d)\n", tn_dtype_name(f->t),
          tn_dtype_name(from), exact, got, want, saturate);
}

static void codes(void **state) {
    (void)state;
    for (size_t k = 0; k < TN_COUNT(formats); k++) {
        const format *f = &formats[k];
        for (unsigned c = 0; c < 2 * f->codes; c++) {
            unsigned a = c & (f->codes - 1);
            uint16_t in = (uint16_t)c, back = 0;
            float v;
            check_ok(tn_convert(f->t, &in, TN_F32, &v, 1, true, TN_ROUND_UP));
            if ((f->uz && c == 0x80) || (!f->uz && a > f->largest && a != f->infinity)) {
                assert_true(isnan(v));
                continue;
            }
            long double want = f->infinity && a == f->infinity ? INFINITY : value_of(f, a);
            if (c >= f->codes) want = -want;
            check(v == want && !signbit(v) == !signbit(want), "%s %#x is %g, expected %Lg\n", tn_dtype_name(f->t), c, v,
                  want);
            check_ok(tn_convert(TN_F32, &v, f->t, &back, 1, false, TN_ROUND_UP));
            assert_int_equal(stored(f->t, &back), c);
            assert_true(tn_get_f64(f->t, &in, 0) == (double)want);
        }
    }
}

/* Every code's value, every midpoint, and one step of float or double to both sides of them. */
static void rounding(void **state) {
    (void)state;
    for (size_t k = 0; k < TN_COUNT(formats); k++) {
        const format *f = &formats[k];
        for (unsigned c = 0; c <= f->largest; c++) {
            long double v = value_of(f, c), next = c < f->largest ? value_of(f, c + 1) : 2 * v - value_of(f, c - 1);
            long double points[] = { v, (v + next) / 2, v + (next - v) / 4 };
            for (int p = 0; p < 3; p++)
                for (int minus = 0; minus < 2; minus++)
                    for (int saturate = 0; saturate < 2; saturate++) {
                        double d = (double)(minus ? -points[p] : points[p]);
                        float x = (float)d; /* bf16 subnormals' neighbours round: fine, x is what is tested */
                        float around[] = { x, nextafterf(x, INFINITY), nextafterf(x, -INFINITY) };
                        double around_d[] = { d, nextafter(d, INFINITY), nextafter(d, -INFINITY) };
                        for (int i = 0; i < 3; i++) {
                            expect_code(f, TN_F32, &around[i], around[i], saturate);
                            expect_code(f, TN_F64, &around_d[i], around_d[i], saturate);
                        }
                    }
        }
        static const double special[] = { INFINITY, -INFINITY, NAN,    -NAN, 0.0,     -0.0,
                                          1e300,    -1e300,    1e-300, 1e38, 0x1p-149 };
        for (size_t i = 0; i < TN_COUNT(special); i++)
            for (int saturate = 0; saturate < 2; saturate++) {
                float x = (float)special[i];
                expect_code(f, TN_F32, &x, x, saturate);
                expect_code(f, TN_F64, &special[i], special[i], saturate);
            }
        uint64_t seed = k + 1;
        for (int i = 0; i < 20000; i++) {
            uint32_t u = (uint32_t)(test_random(&seed) >> 32);
            float x;
            memcpy(&x, &u, 4);
            if (!isnan(x)) expect_code(f, TN_F32, &x, x, i % 2);
            int64_t v = (int64_t)test_random(&seed) >> (test_random(&seed) % 64);
            expect_code(f, TN_I64, &v, v, i % 2);
            uint64_t w = test_random(&seed);
            expect_code(f, TN_U64, &w, w, i % 2);
        }
    }
}

/* One more than halfway between two bfloat16 far beyond 2^53: only the last bit tells which is nearer. */
static void far_ties(void **state) {
    (void)state;
    for (int e = 24; e < 63; e++)
        for (int off = -1; off <= 1; off++) {
            int64_t v = ((int64_t)1 << e) + ((int64_t)1 << (e - 8)) + off, minus = -v;
            uint64_t u = (uint64_t)v << 1;
            for (size_t k = 0; k < 2; k++) {
                expect_code(&formats[k], TN_I64, &v, v, false);
                expect_code(&formats[k], TN_I64, &minus, minus, false);
                expect_code(&formats[k], TN_U64, &u, u, false);
            }
        }
}

/* NaNs keep a NaN whatever their payload. */
static void payloads(void **state) {
    (void)state;
    for (uint32_t u = 0x7f800001; u < 0x80000000; u = u * 2 - 0x7f800000 + 1) {
        float x;
        memcpy(&x, &u, 4);
        assert_true(isnan(tn_f16_to_f32(tn_f32_to_f16(x))));
        assert_true(isnan(tn_bf16_to_f32(tn_f32_to_bf16(x))));
        for (int t = TN_F8E4M3FN; t <= TN_F8E5M2FNUZ; t++)
            assert_true(isnan(tn_f8_to_f32((tn_dtype)t, tn_f32_to_f8((tn_dtype)t, x, true))));
    }
}

static void e8m0(void **state) {
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        float v = tn_f8_to_f32(TN_F8E8M0, (uint8_t)c);
        if (c == 255) {
            assert_true(isnan(v));
            continue;
        }
        assert_true((long double)v == powl(2, (int)c - 127));
        assert_int_equal(tn_f32_to_f8(TN_F8E8M0, v, true), c);
        static const struct {
            float factor;
            int up, down, nearest; /* added to the code */
        } cases[] = { { 1.25f, 1, 0, 0 }, { 1.5f, 1, 0, 1 }, { 1.75f, 1, 0, 1 } };
        for (size_t i = 0; i < TN_COUNT(cases); i++) {
            float x = v * cases[i].factor;
            int add[] = { cases[i].nearest, cases[i].up, cases[i].down };
            for (int mode = 0; mode < 3; mode++)
                for (int saturate = 0; saturate < 2; saturate++) {
                    uint8_t got;
                    int want = (int)c + add[mode];
                    if (want > 254) want = saturate ? 254 : 255;
                    check_ok(tn_convert(TN_F32, &x, TN_F8E8M0, &got, 1, saturate, (tn_round_mode)mode));
                    check(got == want, "e8m0 of %g mode %d: %u, expected %d\n", x, mode, got, want);
                }
        }
    }
    static const struct {
        float x;
        unsigned saturated, plain;
    } special[] = { { 0, 0, 255 },    { INFINITY, 254, 255 }, { NAN, 255, 255 },
                    { -1, 255, 255 }, { 0x1p-140f, 0, 255 },  { 0x1.8p127f, 254, 255 } };
    for (size_t i = 0; i < TN_COUNT(special); i++) {
        uint8_t a, b;
        check_ok(tn_convert(TN_F32, &special[i].x, TN_F8E8M0, &a, 1, true, TN_ROUND_UP));
        check_ok(tn_convert(TN_F32, &special[i].x, TN_F8E8M0, &b, 1, false, TN_ROUND_NEAREST));
        assert_int_equal(a, special[i].saturated);
        assert_int_equal(b, special[i].plain);
    }
}

static const tn_dtype ints[] = { TN_U8,  TN_I8,  TN_U16, TN_I16, TN_U32, TN_I32,
                                 TN_U64, TN_I64, TN_U4,  TN_I4,  TN_U2,  TN_I2 };

/* v reduced to the type's width, two's complement. */
static __int128 wrap(tn_dtype t, __int128 v) {
    int bits = tn_dtype_bits(t);
    __int128 m = (__int128)1 << bits;
    v = ((v % m) + m) % m;
    return tn_dtype_is_signed(t) && v >= m / 2 ? v - m : v;
}

/* Arrays of all lengths around the packed types' and the vector units' borders, between all integer types and bool. */
static void integers(void **state) {
    (void)state;
    enum { N = 1100 };
    static int64_t values[N], from_buf[N + 8], to_buf[N + 8];
    uint64_t seed = 7;
    for (int i = 0; i < N; i++) values[i] = (int64_t)test_random(&seed) >> (test_random(&seed) % 64);
    static const int lengths[] = { 1, 2, 3, 4, 5, 7, 8, 9, 31, 1023, 1024, 1025, N };
    for (size_t a = 0; a < TN_COUNT(ints); a++)
        for (size_t b = 0; b < TN_COUNT(ints); b++)
            for (size_t l = 0; l < TN_COUNT(lengths); l++) {
                int n = lengths[l];
                size_t bytes;
                assert_true(tn_dtype_bytes(ints[b], n, &bytes));
                memset(to_buf, 0xaa, sizeof to_buf);
                check_ok(tn_convert(TN_I64, values, ints[a], from_buf, n, true, TN_ROUND_UP));
                check_ok(tn_convert(ints[a], from_buf, ints[b], to_buf, n, true, TN_ROUND_UP));
                for (int i = 0; i < n; i++) {
                    __int128 v = wrap(ints[a], values[i]);
                    assert_true(tn_get_i64(ints[a], from_buf, i) == (int64_t)v);
                    check(tn_get_i64(ints[b], to_buf, i) == (int64_t)wrap(ints[b], v), "%s to %s at %d of %d\n",
                          tn_dtype_name(ints[a]), tn_dtype_name(ints[b]), i, n);
                }
                assert_int_equal(((uint8_t *)to_buf)[bytes], 0xaa); /* nothing beyond the end */
                int used = n * tn_dtype_bits(ints[b]) % 8;          /* unused bits are 0 */
                if (used) assert_int_equal(((uint8_t *)to_buf)[bytes - 1] >> used, 0);
            }
}

static void to_floats(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        int64_t v = (int64_t)test_random(&seed) >> (test_random(&seed) % 64);
        for (size_t a = 0; a < TN_COUNT(ints); a++) {
            int64_t x = 0;
            float f;
            double d;
            tn_set_i64(ints[a], &x, 0, v);
            __int128 w = wrap(ints[a], v);
            check_ok(tn_convert(ints[a], &x, TN_F32, &f, 1, true, TN_ROUND_UP));
            check_ok(tn_convert(ints[a], &x, TN_F64, &d, 1, true, TN_ROUND_UP));
            assert_true(f == (float)(long double)w && d == (double)(long double)w);
        }
    }
    uint8_t t = 2, out = 9; /* a stored bool of any non-zero byte is true */
    float f;
    check_ok(tn_convert(TN_BOOL, &t, TN_F32, &f, 1, true, TN_ROUND_UP));
    assert_true(f == 1);
    check_ok(tn_convert(TN_BOOL, &t, TN_U8, &out, 1, true, TN_ROUND_UP));
    assert_int_equal(out, 1);
}

/* What a truncated number becomes: the nearest end of the type, but 2- and 4-bit types keep the low bits of the int64.
 */
static long double fitted(long double v, tn_dtype t) {
    int bits = tn_dtype_bits(t), wide = bits < 8 ? 64 : bits;
    bool is_signed = tn_dtype_is_signed(t);
    long double hi = powl(2, is_signed || bits < 8 ? wide - 1 : wide) - 1;
    long double lo = is_signed || bits < 8 ? -powl(2, wide - 1) : 0;
    v = v > hi ? hi : v < lo ? lo : v;
    if (bits >= 8) return v;
    int64_t low = (int64_t)v & ((1 << bits) - 1);
    return is_signed && low >> (bits - 1) ? (long double)(low - (1 << bits)) : (long double)low;
}

static void from_floats(void **state) {
    (void)state;
    static const double values[] = { 0,
                                     -0.0,
                                     0.5,
                                     -0.5,
                                     0.999,
                                     1,
                                     -1,
                                     1.5,
                                     -1.5,
                                     2.5,
                                     3,
                                     7,
                                     7.9,
                                     8,
                                     -8,
                                     -8.5,
                                     -9,
                                     15,
                                     16,
                                     127.9,
                                     128,
                                     -128,
                                     255.5,
                                     256,
                                     32767,
                                     65535,
                                     65536,
                                     -2e9,
                                     2147483647.0,
                                     2147483648.0,
                                     4294967295.0,
                                     4294967296.0,
                                     9223372036854774784.0,
                                     9223372036854775808.0,
                                     -9223372036854775808.0,
                                     18446744073709549568.0,
                                     18446744073709551616.0,
                                     1e30,
                                     -1e30,
                                     INFINITY,
                                     -INFINITY };
    for (size_t a = 0; a < TN_COUNT(ints); a++)
        for (size_t i = 0; i < TN_COUNT(values); i++) {
            float f = (float)values[i];
            int64_t got = 0;
            long double want = fitted(truncl(values[i]), ints[a]);
            check_ok(tn_convert(TN_F64, &values[i], ints[a], &got, 1, true, TN_ROUND_UP));
            int64_t code = tn_get_i64(ints[a], &got, 0);
            long double v = ints[a] == TN_U64 ? (long double)(uint64_t)code : (long double)code;
            check(v == want, "%g to %s: %Lg, expected %Lg\n", values[i], tn_dtype_name(ints[a]), v, want);
            want = fitted(truncl(f), ints[a]);
            check_ok(tn_convert(TN_F32, &f, ints[a], &got, 1, true, TN_ROUND_UP));
            code = tn_get_i64(ints[a], &got, 0);
            v = ints[a] == TN_U64 ? (long double)(uint64_t)code : (long double)code;
            check(v == want, "%g (f32) to %s: %Lg, expected %Lg\n", f, tn_dtype_name(ints[a]), v, want);
        }
    static const float truth[] = { 0, -0.0f, 1, -1, 0x1p-149f, INFINITY, NAN };
    uint8_t out[7];
    check_ok(tn_convert(TN_F32, truth, TN_BOOL, out, 7, true, TN_ROUND_UP));
    assert_memory_equal(out, ((uint8_t[]){ 0, 0, 1, 1, 1, 1, 1 }), 7);
}

/* Arrays longer than a block between all pairs of real types equal one element at a time. */
static void arrays(void **state) {
    (void)state;
    enum { N = 2500 };
    static double values[N];
    static uint8_t from[N * 8], whole[N * 8], single[N * 8];
    uint64_t seed = 11;
    for (int i = 0; i < N; i++) values[i] = (double)((int64_t)test_random(&seed) % 2000) / 8;
    for (int a = TN_NONE + 1; a < TN_DTYPE_COUNT; a++)
        for (int b = TN_NONE + 1; b < TN_DTYPE_COUNT; b++) {
            if (a == TN_STRING || b == TN_STRING || tn_dtype_is_complex(a) || tn_dtype_is_complex(b)) continue;
            size_t bytes;
            assert_true(tn_dtype_bytes((tn_dtype)b, N, &bytes));
            memset(single, 0, sizeof single);
            check_ok(tn_convert(TN_F64, values, (tn_dtype)a, from, N, true, TN_ROUND_UP));
            check_ok(tn_convert((tn_dtype)a, from, (tn_dtype)b, whole, N, true, TN_ROUND_UP));
            for (int i = 0; i < N; i++)
                if (tn_dtype_is_float((tn_dtype)a))
                    tn_set_f64((tn_dtype)b, single, i, tn_get_f64((tn_dtype)a, from, i));
                else
                    tn_set_i64((tn_dtype)b, single, i, tn_get_i64((tn_dtype)a, from, i));
            check(!memcmp(whole, single, bytes), "%s to %s\n", tn_dtype_name((tn_dtype)a), tn_dtype_name((tn_dtype)b));
        }
    float pair[4] = { 1, -2, 3.5f, NAN };
    double wide[4];
    check_ok(tn_convert(TN_C64, pair, TN_C128, wide, 2, true, TN_ROUND_UP));
    assert_true(wide[0] == 1 && wide[1] == -2 && wide[2] == 3.5 && isnan(wide[3]));
    check_fails(tn_convert(TN_C64, pair, TN_F32, wide, 1, true, TN_ROUND_UP), TN_E_TYPE, "complex64 to float32");
    check_fails(tn_convert(TN_STRING, pair, TN_F32, wide, 1, true, TN_ROUND_UP), TN_E_TYPE, "string");
    check_ok(tn_convert(TN_F32, NULL, TN_F16, NULL, 0, true, TN_ROUND_UP));
}

static void facts(void **state) {
    (void)state;
    size_t bytes;
    for (int t = 1; t < TN_DTYPE_COUNT; t++) {
        assert_int_equal(tn_dtype_from_onnx(tn_dtypes[t].onnx), t);
        assert_int_equal(tn_dtype_parse(tn_dtype_name((tn_dtype)t)), t);
    }
    assert_int_equal(tn_dtype_from_onnx(0), TN_NONE);
    assert_int_equal(tn_dtype_from_onnx(99), TN_NONE);
    assert_int_equal(tn_dtype_parse("f32"), TN_F32);
    assert_int_equal(tn_dtype_parse("BF16"), TN_BF16);
    assert_int_equal(tn_dtype_parse("double"), TN_F64);
    assert_int_equal(tn_dtype_parse("float33"), TN_NONE);
    assert_string_equal(tn_dtype_name((tn_dtype)1000), "none");
    assert_int_equal(tn_dtype_bits(TN_I2), 2);
    assert_int_equal(tn_dtype_bits(TN_C128), 128);
    assert_int_equal(tn_dtype_bits(TN_STRING), 0);
    assert_true(tn_dtype_bytes(TN_I4, 5, &bytes) && bytes == 3);
    assert_true(tn_dtype_bytes(TN_U2, 5, &bytes) && bytes == 2);
    assert_true(tn_dtype_bytes(TN_F64, 0, &bytes) && bytes == 0);
    assert_false(tn_dtype_bytes(TN_F64, INT64_MAX / 2, &bytes));
    assert_false(tn_dtype_bytes(TN_F64, -1, &bytes));
    assert_true(tn_dtype_is_float(TN_F8E8M0) && !tn_dtype_is_signed(TN_F8E8M0));
    assert_true(tn_dtype_is_int(TN_U2) && !tn_dtype_is_int(TN_BOOL));
    uint8_t packed[2] = { 0xff, 0xff };
    tn_set_i64(TN_I4, packed, 1, 3); /* neighbours stay */
    assert_int_equal(packed[0], 0x3f);
    tn_set_f64(TN_F4E2M1, packed, 2, -1.5);
    assert_int_equal(packed[1], 0xfb);
    assert_true(tn_f4_to_f32(0xb) == -1.5f && tn_f32_to_f4(NAN) == 8 && tn_f32_to_f4(-INFINITY) == 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts),    cmocka_unit_test(codes),     cmocka_unit_test(rounding),
        cmocka_unit_test(payloads), cmocka_unit_test(far_ties),  cmocka_unit_test(e8m0),
        cmocka_unit_test(integers), cmocka_unit_test(to_floats), cmocka_unit_test(from_floats),
        cmocka_unit_test(arrays),
    };
    return cmocka_run_group_tests_name("tensor/dtype", tests, NULL, NULL);
}
