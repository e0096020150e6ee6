/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft_pass.h - one pass of a transform, for any real type. A file defines REAL and NAME(x), includes this, and may do
 * so again with another type. Translation units with wider vectors include it too: the innermost loops are plain and
 * contiguous, so the compiler makes vectors of them: n of the s numbers that share their factors at a time, so that the
 * budget is asked in between. */

/* Row p of the twiddle factors times one output; j = 0 has the factor 1. */
#define TN_FFT_PUT(j, re, im)                    \
    do {                                         \
        REAL re_ = (re), im_ = (im);             \
        yr[(j)*s + q] = re_ * c[j] - im_ * d[j]; \
        yi[(j)*s + q] = re_ * d[j] + im_ * c[j]; \
    } while (0)

static void NAME(radix2)(int64_t step, int64_t s, int64_t n, const REAL *c, const REAL *d, const REAL *restrict xr,
                         const REAL *restrict xi, REAL *restrict yr, REAL *restrict yi) {
    for (int64_t q = 0; q < n; q++) {
        REAL ar = xr[q], ai = xi[q], br = xr[step + q], bi = xi[step + q];
        yr[q] = ar + br, yi[q] = ai + bi;
        TN_FFT_PUT(1, ar - br, ai - bi);
    }
}

static void NAME(radix3)(int64_t step, int64_t s, int64_t n, const REAL *c, const REAL *d, const REAL *restrict xr,
                         const REAL *restrict xi, REAL *restrict yr, REAL *restrict yi) {
    const REAL h = (REAL)0.86602540378443864676;
    for (int64_t q = 0; q < n; q++) {
        REAL ar = xr[q], ai = xi[q], br = xr[step + q], bi = xi[step + q], er = xr[2 * step + q], ei = xi[2 * step + q];
        REAL sr = br + er, si = bi + ei, tr = h * (bi - ei), ti = h * (er - br);
        REAL mr = ar - sr / 2, mi = ai - si / 2;
        yr[q] = ar + sr, yi[q] = ai + si;
        TN_FFT_PUT(1, mr + tr, mi + ti);
        TN_FFT_PUT(2, mr - tr, mi - ti);
    }
}

static void NAME(radix4)(int64_t step, int64_t s, int64_t n, const REAL *c, const REAL *d, const REAL *restrict xr,
                         const REAL *restrict xi, REAL *restrict yr, REAL *restrict yi) {
    for (int64_t q = 0; q < n; q++) {
        REAL ar = xr[q] + xr[2 * step + q], ai = xi[q] + xi[2 * step + q];
        REAL br = xr[q] - xr[2 * step + q], bi = xi[q] - xi[2 * step + q];
        REAL er = xr[step + q] + xr[3 * step + q], ei = xi[step + q] + xi[3 * step + q];
        REAL fr = xr[step + q] - xr[3 * step + q], fi = xi[step + q] - xi[3 * step + q];
        yr[q] = ar + er, yi[q] = ai + ei;
        TN_FFT_PUT(1, br + fi, bi - fr);
        TN_FFT_PUT(2, ar - er, ai - ei);
        TN_FFT_PUT(3, br - fi, bi + fr);
    }
}

static void NAME(radix5)(int64_t step, int64_t s, int64_t n, const REAL *c, const REAL *d, const REAL *restrict xr,
                         const REAL *restrict xi, REAL *restrict yr, REAL *restrict yi) {
    const REAL c1 = (REAL)0.30901699437494742410, c2 = (REAL)-0.80901699437494742410;
    const REAL s1 = (REAL)0.95105651629515357212, s2 = (REAL)0.58778525229247312917;
    for (int64_t q = 0; q < n; q++) {
        REAL ar = xr[q], ai = xi[q];
        REAL br = xr[step + q] + xr[4 * step + q], bi = xi[step + q] + xi[4 * step + q];
        REAL er = xr[step + q] - xr[4 * step + q], ei = xi[step + q] - xi[4 * step + q];
        REAL fr = xr[2 * step + q] + xr[3 * step + q], fi = xi[2 * step + q] + xi[3 * step + q];
        REAL gr = xr[2 * step + q] - xr[3 * step + q], gi = xi[2 * step + q] - xi[3 * step + q];
        REAL mr = ar + c1 * br + c2 * fr, mi = ai + c1 * bi + c2 * fi;
        REAL nr = ar + c2 * br + c1 * fr, ni = ai + c2 * bi + c1 * fi;
        REAL ur = s1 * er + s2 * gr, ui = s1 * ei + s2 * gi, vr = s2 * er - s1 * gr, vi = s2 * ei - s1 * gi;
        yr[q] = ar + br + fr, yi[q] = ai + bi + fi;
        TN_FFT_PUT(1, mr + ui, mi - ur);
        TN_FFT_PUT(2, nr + vi, ni - vr);
        TN_FFT_PUT(3, nr - vi, ni + vr);
        TN_FFT_PUT(4, mr - ui, mi + ur);
    }
}

/* Any radix: the definition, with the r-th roots of one in a table. */
static void NAME(radix_any)(int r, int64_t step, int64_t s, int64_t n, const REAL *c, const REAL *d, const REAL *root,
                            const REAL *restrict xr, const REAL *restrict xi, REAL *restrict yr, REAL *restrict yi) {
    for (int j = 0; j < r; j++) {
        REAL *restrict pr = yr + j * s, *restrict pi = yi + j * s;
        for (int64_t q = 0; q < n; q++) pr[q] = xr[q], pi[q] = xi[q];
        for (int k = 1; k < r; k++) {
            REAL wr = root[2 * (j * k % r)], wi = root[2 * (j * k % r) + 1];
            const REAL *ar = xr + k * step, *ai = xi + k * step;
            for (int64_t q = 0; q < n; q++) pr[q] += wr * ar[q] - wi * ai[q], pi[q] += wr * ai[q] + wi * ar[q];
        }
        for (int64_t q = 0; j && q < n; q++) {
            REAL re = pr[q], im = pi[q];
            pr[q] = re * c[j] - im * d[j], pi[q] = re * d[j] + im * c[j];
        }
    }
}

static void NAME(pass)(int r, int64_t m, int64_t s, const REAL *w, const REAL *xr, const REAL *xi, REAL *yr, REAL *yi) {
    REAL c[TN_FFT_RADIX_MAX] = { 1 }, d[TN_FFT_RADIX_MAX] = { 0 };
    const REAL *root = w + 2 * (r - 1) * m;
    tn_ticks ticks = { 0 };
    for (int64_t p = 0; p < m; p++, xr += s, xi += s, yr += r * s, yi += r * s) {
        for (int j = 1; j < r; j++, w += 2) c[j] = w[0], d[j] = w[1];
        for (int64_t q = 0, n; q < s; q += n) {
            n = s - q < TN_FFT_PIECE ? s - q : TN_FFT_PIECE;
            if (tn_ticks_stopped(&ticks, (uint64_t)(4 * r * n))) return;
            switch (r) {
            case 2: NAME(radix2)(m * s, s, n, c, d, xr + q, xi + q, yr + q, yi + q); break;
            case 3: NAME(radix3)(m * s, s, n, c, d, xr + q, xi + q, yr + q, yi + q); break;
            case 4: NAME(radix4)(m * s, s, n, c, d, xr + q, xi + q, yr + q, yi + q); break;
            case 5: NAME(radix5)(m * s, s, n, c, d, xr + q, xi + q, yr + q, yi + q); break;
            default: NAME(radix_any)(r, m * s, s, n, c, d, root, xr + q, xi + q, yr + q, yi + q); break;
            }
        }
    }
}

#undef TN_FFT_PUT
