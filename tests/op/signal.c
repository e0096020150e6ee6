/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* signal.c - DFT, STFT, windows and mel weights where the official cases do not look: lengths, types, what is refused.
 */
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

#define PI 3.14159265358979323846

static ob *dft(tn_dtype t, int64_t length, int64_t axis, int inverse, int onesided) {
    ob *b = ob_new(9, 20);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "n", "", &length, 1);
    ob_ints_init(b, "axis", "", &axis, 1);
    ob_node(b, "DFT", length == INT64_MIN ? "x _ axis" : "x n axis", "y");
    ob_int(b, "inverse", inverse);
    ob_int(b, "onesided", onesided);
    return b;
}

static void lengths(void **state) {
    op_data x = { TN_F64, "3,2,1", { 1, 10, 2, 20, 3, 30 } };
    /* longer: zeros follow; along the first axis */
    op_data y = { TN_F64, "4,2,2", { 6, 0, 60, 0, -2, -2, -20, -20, 2, 0, 20, 0, -2, 2, -20, 20 } };
    op_gives(dft(TN_F64, 4, 0, 0, 0), 1, &x, 1, &y, 1e-15);
    /* shorter: only the first ones count */
    op_data z = { TN_F64, "2,2,2", { 3, 0, 30, 0, -1, 0, -10, 0 } };
    op_gives(dft(TN_F64, 2, -3, 0, 0), 1, &x, 1, &z, 1e-15);
    op_data h = { TN_F64, "2,2,2", { 6, 0, 60, 0, -1.5, sqrt(0.75), -15, sqrt(75) } };
    op_gives(dft(TN_F64, INT64_MIN, 0, 0, 1), 1, &x, 1, &h, 1e-15);
    /* a prime length with a large factor: an impulse has a flat spectrum */
    double *flat = calloc(2 * 1009, sizeof *flat);
    for (int i = 0; i < 1009; i++) flat[2 * i] = 1;
    op_data one = { TN_F32, "1,1", { 1 } }, even = { TN_F32, "1009,2", .large = flat };
    op_gives(dft(TN_F32, 1009, 0, 0, 0), 1, &one, 1, &even, 1e-6);
    free(flat);
}

/* A one-sided inverse ignores imaginary parts that a real signal cannot have; odd lengths need dft_length. */
static void one_sided_inverse(void **state) {
    op_data x = { TN_F32, "1,3,2", { 6, 5, -1.5, 0.8660254037844386, 4, 7 } };
    op_data odd = { TN_F32, "1,3,1", { 1, 2, 3 } };
    op_gives(dft(TN_F32, 3, 1, 1, 1), 1, &x, 1, &odd, 1e-6);
    op_data even = { TN_F32,
                     "1,4,1",
                     { (6 - 3 + 4) / 4.0, (6 - 4 - 2 * 0.8660254037844386) / 4, (6 + 3 + 4) / 4.0,
                       (6 - 4 + 2 * 0.8660254037844386) / 4 } };
    op_gives(dft(TN_F32, INT64_MIN, 1, 1, 1), 1, &x, 1, &even, 1e-6);
}

/* The sum that the transform is, with the points that a length cuts off or fills up with zeros. One-sided: of real
 * points the first half of the bins; back, the other half is their conjugate, and what has none has no imaginary part.
 */
static void by_sum(const double *x, int parts, int64_t in, int64_t n, bool inverse, bool onesided, double *y) {
    int64_t half = n / 2 + 1, bins = onesided && !inverse ? half : n;
    for (int64_t k = 0; k < bins; k++) {
        double re = 0, im = 0;
        for (int64_t i = 0; i < n; i++) {
            bool mirrored = inverse && onesided && i >= half;
            int64_t at = mirrored ? n - i : i;
            bool real = parts == 1 || (inverse && onesided && (at == 0 || 2 * at == n));
            double a = at < in ? x[at * parts] : 0, b = real || at >= in ? 0 : x[at * parts + 1];
            double turn = (inverse ? 2 : -2) * PI * (double)(i * k % n) / (double)n;
            if (mirrored) b = -b;
            re += a * cos(turn) - b * sin(turn), im += a * sin(turn) + b * cos(turn);
        }
        if (inverse) re /= (double)n, im /= (double)n;
        if (inverse && onesided)
            y[k] = re;
        else
            y[2 * k] = re, y[2 * k + 1] = im;
    }
}

static void by_definition(void **state) {
    for (int how = 0; how < 4; how++)
        for (int64_t in = 1; in <= 9; in++)
            for (int64_t n = 1; n <= 12; n++)
                for (int parts = 1; parts <= 2; parts++) {
                    bool inverse = how & 1, onesided = how & 2;
                    char dims_in[16], dims_out[16];
                    op_data x = { TN_F64, dims_in }, y = { TN_F64, dims_out };
                    if (onesided && parts != (inverse ? 2 : 1)) continue;
                    snprintf(dims_in, sizeof dims_in, "1,%d,%d", (int)in, parts);
                    snprintf(dims_out, sizeof dims_out, "1,%d,%d", (int)(onesided && !inverse ? n / 2 + 1 : n),
                             onesided && inverse ? 1 : 2);
                    for (int64_t i = 0; i < in * parts; i++) x.v[i] = sin((double)(i * i + 3 * i + n));
                    by_sum(x.v, parts, in, n, inverse, onesided, y.v);
                    op_gives(dft(TN_F64, n, 1, inverse, onesided), 1, &x, 1, &y, 1e-13);
                }
}

static void narrow_types(void **state) {
    op_data x = { TN_F16, "2,1", { 1, 3 } }, y = { TN_F16, "2,2", { 4, 0, -2, 0 } };
    op_gives(dft(TN_F16, INT64_MIN, 0, 0, 0), 1, &x, 1, &y, 0);
    x.type = y.type = TN_BF16;
    op_gives(dft(TN_BF16, INT64_MIN, 0, 0, 0), 1, &x, 1, &y, 0);
}

static void refused_transforms(void **state) {
    op_data x = { TN_F32, "2,1", { 1, 3 } }, complex = { TN_F32, "1,2", { 1, 3 } }, three = { TN_F32, "1,3", { 1 } };
    op_refused(dft(TN_F32, 0, 0, 0, 0), 1, &x, "0 points");
    op_refused(dft(TN_F32, -5, 0, 0, 0), 1, &x, "DFT");
    op_refused(dft(TN_F32, INT64_C(1) << 61, 0, 0, 0), 1, &x, "");
    op_refused(dft(TN_F32, 4, 1, 0, 0), 1, &x, "axis");
    op_refused(dft(TN_F32, 4, 7, 0, 0), 1, &x, "axis");
    op_refused(dft(TN_F32, 4, -3, 0, 0), 1, &x, "axis");
    op_refused(dft(TN_F32, 4, 0, 0, 1), 1, &complex, "real");
    op_refused(dft(TN_F32, 4, 0, 1, 1), 1, &x, "complex");
    op_refused(dft(TN_F32, 4, 0, 0, 0), 1, &three, "last dimension");
    op_refused(dft(TN_F32, INT64_MIN, 0, 1, 1), 1, &complex, "0 points"); /* 2 (1 - 1) */
    op_refused(dft(TN_F32, 4, 0, 7, 0), 1, &x, "inverse");
}

static ob *stft(int64_t step, int64_t length, int onesided, const char *inputs) {
    ob *b = ob_new(9, 17);
    ob_input(b, "x", TN_F32, NULL);
    ob_input(b, "w", TN_F32, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "step", "", &step, 1);
    ob_ints_init(b, "n", "", &length, 1);
    ob_node(b, "STFT", inputs, "y");
    ob_int(b, "onesided", onesided);
    return b;
}

static void frames(void **state) {
    op_data in[2] = { { TN_F32, "1,5,1", { 1, 2, 3, 4, 5 } }, { TN_F32, "2", { 1, 10 } } };
    op_data y = { TN_F32, "1,2,2,2", { 21, 0, -19, 0, 43, 0, -37, 0 } };
    op_gives(stft(2, 2, 1, "x step w n"), 2, in, 1, &y, 1e-6);
    op_gives(stft(2, 2, 1, "x step w"), 2, in, 1, &y, 1e-6);
    op_data plain = { TN_F32, "1,1,3,2", { 15, 0, -2.5, 3.440954801177934, -2.5, 0.8122992405822658 } };
    op_gives(stft(2, 2, 1, "x step"), 2, in, 1, &plain, 1e-6);
    op_data complex[2] = { { TN_F32, "1,2,2", { 1, 2, 3, 4 } }, in[1] };
    op_data both = { TN_F32, "1,1,2,2", { 31, 42, -29, -38 } };
    op_gives(stft(1, 2, 0, "x step w"), 2, complex, 1, &both, 1e-6);
    op_refused(stft(1, 2, 1, "x step w"), 2, complex, "one-sided");
    op_refused(stft(0, 2, 1, "x step w"), 2, in, "frame_step");
    op_refused(stft(-1, 2, 1, "x step w"), 2, in, "frame_step");
    op_refused(stft(1, 0, 1, "x step _ n"), 2, in, "0 points");
    op_refused(stft(1, 6, 1, "x step _ n"), 2, in, "6 points");
    op_refused(stft(1, INT64_MAX, 1, "x step _ n"), 2, in, "");
}

static ob *window(const char *op, int type, int periodic) {
    ob *b = ob_new(9, 17);
    ob_input(b, "n", TN_I64, "");
    ob_output(b, "y");
    ob_node(b, op, "n", "y");
    ob_int(b, "output_datatype", type);
    ob_int(b, "periodic", periodic);
    return b;
}

static void windows(void **state) {
    op_data n = { TN_I64, "", { 7 } }, w = { TN_F64, "7" }, some = { TN_I64, "", { -1 } }, i8 = { TN_I8, "7" };
    for (int k = 0; k < 7; k++) w.v[k] = 0.42 - 0.5 * cos(PI * k / 3) + 0.08 * cos(2 * PI * k / 3);
    op_gives(window("BlackmanWindow", 11, 0), 1, &n, 1, &w, 1e-15);
    for (int k = 0; k < 7; k++) w.v[k] = pow(sin(PI * k / 7), 2);
    op_gives(window("HannWindow", 11, 1), 1, &n, 1, &w, 1e-15);
    for (int k = 0; k < 7; k++) w.v[k] = 25.0 / 46 - 21.0 / 46 * cos(2 * PI * k / 7);
    op_gives(window("HammingWindow", 11, 1), 1, &n, 1, &w, 1e-15);
    op_gives(window("HammingWindow", 3, 1), 1, &n, 1, &i8, 0);
    op_refused(window("HannWindow", 8, 1), 1, &n, "output_datatype");
    op_refused(window("HannWindow", -77, 1), 1, &n, "output_datatype");
    op_refused(window("HannWindow", 1, 1), 1, &some, "size");
    some.v[0] = 4e18;
    op_refused(window("HannWindow", 1, 1), 1, &some, "");
}

static ob *mel(int64_t bands, int64_t length, int64_t rate, float low, float high) {
    ob *b = ob_new(9, 17);
    ob_output(b, "y");
    ob_ints_init(b, "bands", "", &bands, 1);
    ob_ints_init(b, "length", "", &length, 1);
    ob_ints_init(b, "rate", "", &rate, 1);
    ob_floats_init(b, "low", "", &low, 1);
    ob_floats_init(b, "high", "", &high, 1);
    ob_node(b, "MelWeightMatrix", "bands length rate low high", "y");
    return b;
}

static void mel_weights(void **state) {
    op_data none = { TN_F32, "3,1" };
    op_gives(mel(1, 4, 8000, 8e6f, 8e6f), 0, NULL, 1, &none, 0); /* edges beyond every bin */
    op_refused(mel(8, 16, 0, 0, 4000), 0, NULL, "sample rate");
    op_refused(mel(8, 16, 8000, -1, 4000), 0, NULL, "Hz");
    op_refused(mel(8, 16, 8000, 0, NAN), 0, NULL, "Hz");
    op_refused(mel(0, 16, 8000, 0, 4000), 0, NULL, "num_mel_bins");
    op_refused(mel(8, -16, 8000, 0, 4000), 0, NULL, "dft_length");
    op_refused(mel(INT64_MAX, INT64_MAX, 8000, 0, 4000), 0, NULL, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),      cmocka_unit_test(one_sided_inverse),
        cmocka_unit_test(narrow_types), cmocka_unit_test(refused_transforms),
        cmocka_unit_test(frames),       cmocka_unit_test(windows),
        cmocka_unit_test(mel_weights),  cmocka_unit_test(by_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
