/* resample.c - windowed-sinc resampling (J. O. Smith, "Digital Audio Resampling", the table with linear interpolation).
 * One table of half the symmetric impulse response serves every ratio of rates. */
#include "audio/resample.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

#define CROSSINGS 32    /* zero crossings at each side */
#define PER_CROSS 512   /* table entries between two of them; linear interpolation errs below -100 dB */
#define BETA      9.0   /* Kaiser window: stop band about -90 dB */
#define ROLLOFF   0.945 /* of the lower Nyquist rate: the transition band ends where aliasing would begin */
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
    table[0] = 1;
    for (int i = 1; i <= TABLE + 1; i++) {
        double x = (double)i / PER_CROSS, t = x / CROSSINGS;
        double window = t < 1 ? bessel_i0(BETA * sqrt(1 - t * t)) / bessel_i0(BETA) : 0;
        table[i] = (float)(sin(M_PI * x) / (M_PI * x) * window);
    }
}

/* The input around position `at` (in input samples), through a filter whose cutoff is `cut` of the input's Nyquist. */
static float interpolate(const tn_audio *in, const float *table, double at, double cut) {
    double reach = CROSSINGS / cut, sum = 0;
    long first = (long)ceil(at - reach), last = (long)floor(at + reach);
    if (first < 0) first = 0;
    if (last >= (long)in->n) last = (long)in->n - 1;
    for (long i = first; i <= last; i++) {
        double x = fabs((double)i - at) * cut * PER_CROSS;
        int k = (int)x;
        if (k > TABLE) continue;
        float f = (float)(x - k);
        sum += in->sample[i] * (double)(table[k] + f * (table[k + 1] - table[k]));
    }
    return (float)(sum * cut);
}

tn_status tn_audio_resample(const tn_audio *in, int rate, tn_audio *out) {
    *out = (tn_audio){ .rate = rate };
    if (rate < 1 || rate > 1000000 || in->rate < 1)
        return tn_fail(TN_E_INVALID, "resample from %d to %d", in->rate, rate);
    size_t scaled;
    if (!tn_mul_size(in->n, (size_t)rate, &scaled) || in->n > ((size_t)1 << 40))
        return tn_fail(TN_E_LIMIT, "%zu samples are too many", in->n);
    out->n = scaled / (size_t)in->rate + (scaled % (size_t)in->rate != 0);
    if (out->n == 0) return TN_OK;
    out->sample = tn_mem_alloc(out->n * sizeof(float), TN_MEM_IO);
    float *table = tn_mem_alloc((TABLE + 2) * sizeof(float), TN_MEM_SCRATCH);
    tn_status st = TN_OK;
    if (!out->sample || !table) {
        st = tn_fail(TN_E_NOMEM, "resample to %zu samples", out->n);
        goto done;
    }
    if (rate == in->rate) {
        memcpy(out->sample, in->sample, in->n * sizeof(float));
        goto done;
    }
    fill_table(table);
    double cut = ROLLOFF * (rate < in->rate ? (double)rate / in->rate : 1);
    for (size_t i = 0; i < out->n; i++) {
        /* whole and fractional part apart: exact however long the sound is */
        size_t num = i * (size_t)in->rate, whole = num / (size_t)rate;
        double at = (double)whole + (double)(num % (size_t)rate) / rate;
        out->sample[i] = interpolate(in, table, at, cut);
    }
done:
    tn_mem_free(table);
    if (st != TN_OK) tn_audio_free(out);
    return st;
}
