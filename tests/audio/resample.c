/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Sines through every ratio: kept below the new limit, gone above it, in phase. */
#include "audio/resample.h"
#include "test.h"
#include <math.h>

static tn_audio sine(int rate, size_t n, double hz) {
    tn_audio a = { rate, n, malloc(n * sizeof(float)) };
    for (size_t i = 0; i < n; i++) a.sample[i] = (float)(0.5 * sin(2 * M_PI * hz * (double)i / rate));
    return a;
}

static void sines(void **state) {
    static const struct {
        int from, to;
        double hz, gain;
    } t[] = { { 48000, 16000, 1000, 1 },  { 44100, 16000, 440, 1 },  { 44100, 16000, 6500, 1 },
              { 8000, 16000, 3000, 1 },   { 16000, 8000, 1000, 1 },  { 22050, 16000, 5000, 1 },
              { 11025, 8000, 100, 1 },    { 96000, 16000, 2500, 1 }, { 48000, 16000, 9000, 0 },
              { 44100, 16000, 15000, 0 }, { 16000, 8000, 5000, 0 },  { 16001, 16000, 300, 1 } };
    for (size_t k = 0; k < TN_COUNT(t); k++) {
        tn_audio in = sine(t[k].from, (size_t)t[k].from / 2, t[k].hz), out;
        check_ok(tn_audio_resample(&in, t[k].to, &out));
        assert_int_equal(out.rate, t[k].to);
        assert_int_equal(out.n, (in.n * (size_t)t[k].to + (size_t)t[k].from - 1) / (size_t)t[k].from);
        double worst = 0;
        for (size_t i = 300; i + 300 < out.n; i++) {
            double want = t[k].gain * 0.5 * sin(2 * M_PI * t[k].hz * (double)i / t[k].to);
            worst = fmax(worst, fabs(out.sample[i] - want));
        }
        check(worst < 2e-4, "%d to %d at %g Hz: off by %g\n", t[k].from, t[k].to, t[k].hz, worst);
        free(in.sample);
        tn_audio_free(&out);
    }
}

static void edges(void **state) {
    tn_audio in = sine(16000, 100, 100), out;
    check_ok(tn_audio_resample(&in, 16000, &out));
    assert_memory_equal(in.sample, out.sample, 100 * sizeof(float));
    tn_audio_free(&out);
    in.n = 1;
    check_ok(tn_audio_resample(&in, 1, &out));
    assert_int_equal(out.n, 1);
    tn_audio_free(&out);
    in.n = 0;
    check_ok(tn_audio_resample(&in, 8000, &out));
    assert_int_equal(out.n, 0);
    tn_audio_free(&out);
    check_fails(tn_audio_resample(&in, 0, &out), TN_E_INVALID, "resample");
    in.rate = 1000000;
    check_fails(tn_audio_resample(&in, 1, &out), TN_E_LIMIT, "too far apart");
    free(in.sample);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(sines), cmocka_unit_test(edges) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
