/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resample.c - windowed-sinc resampling (J. O. Smith, "Digital Audio Resampling", the table with linear interpolation).
 * One table of half the symmetric impulse response serves every ratio of rates. */
#include "audio/resample.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

#define CROSSINGS 32                /* zero crossings at each side */
#define PER_CROSS 512               /* table entries between two of them; linear interpolation errs below -100 dB */
#define BETA      9.0               /* Kaiser window: stop band about -90 dB */
#define ROLLOFF   0.945             /* of the lower Nyquist rate: the transition band ends where aliasing would begin */
#define MAX_BANK  ((size_t)1 << 21) /* weights kept: 8 MiB */
#define MAX_REACH 4e6               /* input samples at each side of an output */
#define TABLE     (CROSSINGS * PER_CROSS)

/* The modified Bessel function I0 by its series. */
static double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-12 * sum; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static void fill_table(float *table) {
    const double whole = bessel_i0(BETA);
    table[0] = 1;
    for (int i = 1; i <= TABLE + 1; i++) {
        double x = (double)i / PER_CROSS, t = x / CROSSINGS;
        double window = t < 1 ? bessel_i0(BETA * sqrt(1 - t * t)) / whole : 0;
        table[i] = (float)(sin(M_PI * x) / (M_PI * x) * window);
    }
}

/* The impulse response at x input samples from its centre, for a cutoff of `cut` of the input's Nyquist rate. */
static double response(const float *table, double x, double cut) {
    double t = fabs(x) * cut * PER_CROSS;
    if (t > TABLE) return 0;
    int k = (int)t;
    return cut * (table[k] + (t - k) * (table[k + 1] - table[k]));
}

/* The weights of one phase: an output sample `frac` behind input sample i takes taps inputs from i - before on. */
static void fill_phase(const float *table, double frac, double cut, int before, int taps, float *weight) {
    for (int k = 0; k < taps; k++) weight[k] = (float)response(table, k - before - frac, cut);
}

/* Eight partial sums: the compiler may use vectors, and long sums stay exact enough. */
static float dot(const float *a, const float *b, size_t n) {
    float part[8] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += a[i + (size_t)k] * b[i + (size_t)k];
    for (; i < n; i++) sum += a[i] * b[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

/* The sum of n weights from input sample `first` on; there is silence outside. */
static float apply(const tn_audio *in, long first, const float *weight, long n) {
    if (first < 0) weight -= first, n += first, first = 0;
    if (first + n > (long)in->n) n = (long)in->n - first;
    return n > 0 ? dot(in->sample + first, weight, (size_t)n) : 0;
}

static size_t gcd(size_t a, size_t b) {
    while (b) {
        size_t t = a % b;
        a = b, b = t;
    }
    return a;
}

tn_status tn_audio_resample(const tn_audio *in, int rate, tn_audio *out) {
    *out = (tn_audio){ .rate = rate };
    if (rate < 1 || rate > 1000000 || in->rate < 1)
        return tn_fail(TN_E_INVALID, "resample from %d to %d", in->rate, rate);
    size_t scaled;
    if (!tn_mul_size(in->n, (size_t)rate, &scaled) || in->n > ((size_t)1 << 40))
        return tn_fail(TN_E_LIMIT, "%zu samples are too many", in->n);
    double cut = ROLLOFF * (rate < in->rate ? (double)rate / in->rate : 1);
    if (CROSSINGS / cut > MAX_REACH)
        return tn_fail(TN_E_LIMIT, "resample from %d to %d: too far apart", in->rate, rate);
    out->n = scaled / (size_t)in->rate + (scaled % (size_t)in->rate != 0);
    if (out->n == 0) return TN_OK;
    out->sample = tn_mem_alloc(out->n * sizeof(float), TN_MEM_IO);
    float *table = tn_mem_alloc((TABLE + 2) * sizeof(float), TN_MEM_SCRATCH), *bank = NULL;
    /* output i lies at i * step / phases: its fraction is one of `phases` */
    size_t shared = gcd((size_t)in->rate, (size_t)rate), step = (size_t)in->rate / shared,
           phases = (size_t)rate / shared;
    int before = (int)ceil(CROSSINGS / cut), taps = 2 * before + 1;
    size_t rows = phases * (size_t)taps <= MAX_BANK ? phases : 1; /* odd ratios: weights anew for every sample */
    tn_status st = TN_OK;
    bank = tn_mem_alloc(rows * (size_t)taps * sizeof(float), TN_MEM_SCRATCH);
    if (!out->sample || !table || !bank) {
        st = tn_fail(TN_E_NOMEM, "resample to %zu samples", out->n);
        goto done;
    }
    if (rate == in->rate) {
        memcpy(out->sample, in->sample, in->n * sizeof(float));
        goto done;
    }
    fill_table(table);
    for (size_t p = 0; rows > 1 && p < phases; p++)
        fill_phase(table, (double)p / (double)phases, cut, before, taps, bank + p * (size_t)taps);
    for (size_t i = 0; i < out->n; i++) {
        size_t phase = i * step % phases;
        if (rows == 1) fill_phase(table, (double)phase / (double)phases, cut, before, taps, bank);
        out->sample[i] =
            apply(in, (long)(i * step / phases) - before, bank + (rows > 1 ? phase * (size_t)taps : 0), taps);
    }
done:
    tn_mem_free(table);
    tn_mem_free(bank);
    if (st != TN_OK) tn_audio_free(out);
    return st;
}
