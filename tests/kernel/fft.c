/* fft.c - transforms of every length up to 130 and some long ones against the definition, in every set and type. */
#include "kernel/fft.h"
#include "kernel/kernel.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 11;
static double value(void) { return (double)(test_random(&seed) >> 11) * 0x1p-52 - 1; }

static double get(tn_dtype t, const void *p, int64_t i) {
    return t == TN_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

static void set(tn_dtype t, void *p, int64_t i, double v) {
    if (t == TN_F64)
        ((double *)p)[i] = v;
    else
        ((float *)p)[i] = (float)v;
}

/* Largest error over the root of the mean square of the result. */
static double error_of(const tn_fft_kernels *k, tn_dtype t, int64_t n, int64_t batch, bool inverse) {
    tn_fft *f;
    size_t bytes = (size_t)(n * batch) * 8;
    check_ok(tn_fft_new(t, n, &f));
    int64_t scratch = tn_fft_scratch(f, batch);
    assert_true(scratch > 0);
    void *re = malloc(bytes), *im = malloc(bytes), *temp = malloc((size_t)scratch * 8);
    long double *turn = malloc((size_t)n * 2 * sizeof *turn);
    double *x = malloc(2 * bytes), worst = 0, square = 0;
    for (int64_t i = 0; i < n * batch; i++) {
        set(t, re, i, value()), set(t, im, i, value());
        x[2 * i] = get(t, re, i), x[2 * i + 1] = get(t, im, i);
    }
    for (int64_t i = 0; i < n; i++) {
        long double a = 6.283185307179586476925286766559L * (long double)i / (long double)n;
        turn[2 * i] = cosl(a), turn[2 * i + 1] = inverse ? sinl(a) : -sinl(a);
    }
    tn_fft_run(k, f, batch, inverse ? im : re, inverse ? re : im, temp);
    for (int64_t j = 0; j<n; j += n> 2000 ? n / 50 : 1)
        for (int64_t b = 0; b < batch; b++) {
            long double sr = 0, si = 0;
            for (int64_t i = 0; i < n; i++) {
                long double c = turn[2 * (i * j % n)], s = turn[2 * (i * j % n) + 1], vr = x[2 * (i * batch + b)],
                            vi = x[2 * (i * batch + b) + 1];
                sr += vr * c - vi * s, si += vr * s + vi * c;
            }
            worst = fmax(worst, fmax(fabs(get(t, re, j * batch + b) - (double)sr),
                                     fabs(get(t, im, j * batch + b) - (double)si)));
            square = fmax(square, (double)(sr * sr + si * si));
        }
    free(re);
    free(im);
    free(temp);
    free(x);
    free(turn);
    tn_fft_free(&f);
    return square > 0 ? worst / sqrt(square) : worst;
}

static void every_length(void **state) {
    static const int64_t longer[] = { 400, 512, 1000, 1021, 1024, 1536, 2310, 4099, 6561 };
    unsigned sets[] = { 0, TN_CPU_AVX2 & tn_cpu_flags(), tn_cpu_flags() };
    for (size_t i = 0; i < TN_COUNT(sets); i++) {
        tn_kernels all;
        tn_kernels_fill(&all, sets[i]);
        for (int64_t n = 1; n <= 130 + (int64_t)TN_COUNT(longer); n++) {
            int64_t length = n <= 130 ? n : longer[n - 131];
            if (length > 1000 && i == 0) continue;
            int64_t batch = 1 + (int64_t)(test_random(&seed) >> 60) % (length > 130 ? 3 : 13);
            double e32 = error_of(&all.fft, TN_F32, length, batch, n & 1),
                   e64 = error_of(&all.fft, TN_F64, length, batch, n & 1);
            if (e32 > 2e-6 || e64 > 4e-15) fail_msg("length %d: errors %g and %g", (int)length, e32, e64);
        }
    }
}

static void absurd_lengths(void **state) {
    tn_fft *f;
    assert_int_equal(tn_fft_new(TN_F32, 0, &f), TN_E_LIMIT);
    assert_null(f);
    assert_int_equal(tn_fft_new(TN_F32, -1, &f), TN_E_LIMIT);
    assert_int_equal(tn_fft_new(TN_F64, INT64_C(1) << 62, &f), TN_E_LIMIT);
    check_ok(tn_fft_new(TN_F64, 6, &f));
    assert_int_equal(tn_fft_scratch(f, INT64_MAX / 2), -1);
    tn_fft_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_length), cmocka_unit_test(absurd_lengths) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
