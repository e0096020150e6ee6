/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft.c - plans of transforms: factors, tables, and the chirp for lengths with a large prime factor. */
#include "kernel/fft.h"
#include "base/budget.h"
#include "base/mem.h"
#include "base/status.h"
#include "tensor/dtype.h"
#include <math.h>
#include <string.h>

/* SKEW: bytes between arrays, so that those of a length that is a power of two do not begin at the same place of a
 * page: a load would then wait for a store that only seems to touch it. */
enum { PASSES_MAX = 64, SKEW = TN_FFT_SKEW };
#define LENGTH_MAX (INT64_C(1) << 40)
#define TURN       6.28318530717958647692528676655900577

typedef struct {
    int radix;
    int64_t m;
    void *w; /* twiddle factors and roots: see fft.h */
} fft_pass;

struct tn_fft {
    tn_dtype type;
    int64_t n;
    int passes;
    fft_pass pass[PASSES_MAX];
    void *tables;
    tn_fft *inner;        /* of a chirp transform: a smooth length >= 2 n - 1; else NULL */
    void *chirp, *filter; /* n and inner->n complex numbers, real parts first */
};

int64_t tn_fft_length(const tn_fft *f) { return f->n; }
tn_dtype tn_fft_dtype(const tn_fft *f) { return f->type; }

/* The radices of n, larger ones last; 0 when a prime factor is too large. */
static int factors(int64_t n, int *radix) {
    int count = 0;
    for (; n % 4 == 0; n /= 4) radix[count++] = 4;
    for (int r = 2; r < TN_FFT_RADIX_MAX; r++)
        for (; n % r == 0; n /= r) radix[count++] = r;
    return n == 1 ? count : 0;
}

static void put(const tn_fft *f, void *table, int64_t i, double v) { tn_set_f64(f->type, table, i, v); }

/* cos and sin of -2 pi k / n, exact at the eighths of the circle, for k >= 0. */
static void root(int64_t k, int64_t n, double *re, double *im) {
    double a;
    k %= n;
    bool conj = 2 * k > n;
    if (conj) k = n - k;
    bool left = 4 * k > n; /* second quarter: mirror at the imaginary axis */
    if (8 * k > n && 8 * k < 3 * n) {
        a = TURN * ((double)n / 4 - (double)k) / (double)n;
        *re = sin(a), *im = -cos(a);
    } else {
        a = TURN * (left ? (double)n / 2 - (double)k : (double)k) / (double)n;
        *re = left ? -cos(a) : cos(a), *im = -sin(a);
    }
    if (conj) *im = -*im;
}

static tn_status stopped(void) { return tn_fail(TN_E_CANCELLED, "planning a transform was stopped"); }

static tn_status plan_passes(tn_fft *f, const int *radix, int count) {
    int64_t total = 0, size = f->n, each = tn_dtypes[f->type].bytes, at = 0;
    for (int i = 0; i < count; i++, size /= radix[i - 1]) total += 2 * ((radix[i] - 1) * (size / radix[i]) + radix[i]);
    f->tables = tn_mem_alloc((size_t)((total + 1) * each), TN_MEM_GENERAL);
    tn_ticks ticks = { 0 };
    if (!f->tables) return tn_fail(TN_E_NOMEM, "no memory for a transform of %lld points", (long long)f->n);
    size = f->n;
    for (int i = 0; i < count; i++) {
        double re, im;
        int r = radix[i];
        int64_t m = size / r;
        f->pass[f->passes++] = (fft_pass){ r, m, (char *)f->tables + at * each };
        for (int64_t p = 0; p < m; p++)
            for (int j = 1; j < r; j++, at += 2) {
                if (tn_ticks_stopped(&ticks, 64)) return stopped();
                root(p * j, size, &re, &im), put(f, f->tables, at, re), put(f, f->tables, at + 1, im);
            }
        for (int j = 0; j < r; j++, at += 2)
            root(j, r, &re, &im), put(f, f->tables, at, re), put(f, f->tables, at + 1, im);
        size = m;
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- chirp */

/* The least 2^a 3^b 5^c that is at least n. */
static int64_t smooth_above(int64_t n) {
    int64_t best = 1;
    while (best < n) best *= 2;
    for (int64_t five = 1; five < best; five *= 5)
        for (int64_t three = five; three < best; three *= 3) {
            int64_t v = three;
            while (v < n) v *= 2;
            if (v < best) best = v;
        }
    return best;
}

/* c[t] = e^(-pi i t^2 / n), and the transform of its conjugate laid around a circle of inner->n points, scaled. */
static tn_status plan_chirp(tn_fft *f) {
    TN_TRY(tn_fft_new(f->type, smooth_above(2 * f->n - 1), &f->inner));
    int64_t m = f->inner->n, n = f->n, scratch = tn_fft_scratch(f->inner, 1), square = 0;
    size_t each = (size_t)tn_dtypes[f->type].bytes;
    f->chirp = tn_mem_alloc(2 * (size_t)n * each, TN_MEM_GENERAL);
    f->filter = tn_mem_zalloc(2 * (size_t)m * each, TN_MEM_GENERAL);
    void *temp = tn_mem_alloc((size_t)(scratch + 1) * each, TN_MEM_GENERAL);
    if (!f->chirp || !f->filter || !temp) {
        tn_mem_free(temp);
        return tn_fail(TN_E_NOMEM, "no memory for a transform of %lld points", (long long)n);
    }
    tn_ticks ticks = { 0 };
    for (int64_t t = 0; t < n; t++) {
        double re, im, scale = 1 / (double)m;
        if (tn_ticks_stopped(&ticks, 128)) break;
        root(square, 2 * n, &re, &im);
        put(f, f->chirp, t, re), put(f, f->chirp, n + t, im);
        put(f, f->filter, t, re * scale), put(f, f->filter, m + t, -im * scale);
        if (t) put(f, f->filter, m - t, re * scale), put(f, f->filter, 2 * m - t, -im * scale);
        square = (square + 2 * t + 1) % (2 * n);
    }
    tn_fft_run(&tn_fft_table_ref, f->inner, 1, f->filter, (char *)f->filter + (size_t)m * each, temp);
    tn_mem_free(temp);
    return tn_budget_stopped() ? stopped() : TN_OK;
}

tn_status tn_fft_new(tn_dtype t, int64_t n, tn_fft **out) {
    int radix[PASSES_MAX];
    *out = NULL;
    if (n < 1 || n > LENGTH_MAX) return tn_fail(TN_E_LIMIT, "a transform of %lld points", (long long)n);
    tn_fft *f = tn_mem_zalloc(sizeof *f, TN_MEM_GENERAL);
    if (!f) return tn_fail(TN_E_NOMEM, "no memory for a transform");
    f->type = t, f->n = n;
    int count = factors(n, radix);
    tn_status st = count || n == 1 ? plan_passes(f, radix, count) : plan_chirp(f);
    if (st != TN_OK) tn_fft_free(&f);
    *out = f;
    return st;
}

void tn_fft_free(tn_fft **f) {
    if (!f || !*f) return;
    tn_fft_free(&(*f)->inner);
    tn_mem_free((*f)->tables);
    tn_mem_free((*f)->chirp);
    tn_mem_free((*f)->filter);
    tn_mem_free(*f);
    *f = NULL;
}

int64_t tn_fft_scratch(const tn_fft *f, int64_t batch) {
    int64_t n, gaps = 3 * SKEW / tn_dtypes[f->type].bytes;
    /* one buffer for the passes; a chirp transform needs the long signal too */
    if (__builtin_mul_overflow(f->inner ? 4 * f->inner->n : 2 * f->n, batch, &n)) return -1;
    return n > INT64_MAX - gaps ? -1 : n + gaps;
}

/* --------------------------------------------------------------------------------------------------------- running */

static void run_passes(const tn_fft_kernels *k, const tn_fft *f, int64_t batch, void *re, void *im, void *scratch) {
    size_t each = (size_t)tn_dtypes[f->type].bytes, bytes = (size_t)(f->n * batch) * each;
    void *x[2] = { re, im }, *y[2] = { scratch, (char *)scratch + bytes + SKEW };
    int64_t s = batch;
    for (int i = 0; i < f->passes; i++) {
        const fft_pass *p = &f->pass[i];
        if (f->type == TN_F64)
            k->pass_f64(p->radix, p->m, s, p->w, x[0], x[1], y[0], y[1]);
        else
            k->pass_f32(p->radix, p->m, s, p->w, x[0], x[1], y[0], y[1]);
        s *= p->radix;
        for (int part = 0; part < 2; part++) {
            void *swap = x[part];
            x[part] = y[part], y[part] = swap;
        }
    }
    if (f->passes & 1) tn_budget_copy(re, x[0], bytes), tn_budget_copy(im, x[1], bytes);
}

/* (xr, xi) * (wr, wi), w repeated along the batch, into y; y may be x. */
#define TIMES(NAME, T)                                                                                             \
    static void NAME(int64_t n, int64_t batch, const T *wr, const T *wi, const T *xr, const T *xi, T *yr, T *yi) { \
        tn_ticks ticks = { 0 };                                                                                    \
        for (int64_t t = 0; t < n && !tn_ticks_stopped(&ticks, 4 * (uint64_t)batch); t++)                          \
            for (int64_t q = t * batch; q < (t + 1) * batch; q++) {                                                \
                T re = xr[q] * wr[t] - xi[q] * wi[t];                                                              \
                yi[q] = xr[q] * wi[t] + xi[q] * wr[t];                                                             \
                yr[q] = re;                                                                                        \
            }                                                                                                      \
    }
TIMES(times_f32, float)
TIMES(times_f64, double)

static void times(tn_dtype t, int64_t n, int64_t batch, const void *w, const void *xr, const void *xi, void *yr,
                  void *yi) {
    const void *wi = (const char *)w + n * tn_dtypes[t].bytes;
    if (t == TN_F64)
        times_f64(n, batch, w, wi, xr, xi, yr, yi);
    else
        times_f32(n, batch, w, wi, xr, xi, yr, yi);
}

void tn_fft_run(const tn_fft_kernels *k, const tn_fft *f, int64_t batch, void *re, void *im, void *scratch) {
    if (!f->inner) {
        run_passes(k, f, batch, re, im, scratch);
        return;
    }
    size_t each = (size_t)tn_dtypes[f->type].bytes, part = (size_t)(f->inner->n * batch) * each;
    size_t used = (size_t)(f->n * batch) * each;
    char *lr = scratch, *li = lr + part + SKEW, *rest = li + part + SKEW;
    times(f->type, f->n, batch, f->chirp, re, im, lr, li);
    tn_budget_clear(lr + used, part - used);
    tn_budget_clear(li + used, part - used);
    run_passes(k, f->inner, batch, lr, li, rest);
    times(f->type, f->inner->n, batch, f->filter, lr, li, lr, li);
    run_passes(k, f->inner, batch, li, lr, rest); /* exchanged: the inverse */
    times(f->type, f->n, batch, f->chirp, lr, li, re, im);
}
