/* report.c - statistics, best classes and differences of tensors. */
#include "cli/report.h"
#include <math.h>
#include <string.h>

static bool numeric(tn_dtype t) { return t != TN_STRING && t != TN_NONE && !tn_dtype_is_complex(t); }

void tn_report_tensor(const tn_tensor *t, tn_text *out) {
    char shape[256];
    int64_t n = tn_count(t), nan = 0, inf = 0, finite = 0;
    double lo = INFINITY, hi = -INFINITY, sum = 0, sq = 0;
    tn_text_printf(out, "%s[%s]", tn_dtype_name(t->dtype),
                   t->rank ? tn_dims_text(t->rank, t->dims, shape, sizeof shape) : "");
    if (!numeric(t->dtype) || n == 0) return;
    for (int64_t i = 0; i < n; i++) {
        double v = tn_get_f64(t->dtype, t->data, i);
        if (isnan(v))
            nan++;
        else if (isinf(v))
            inf++;
        else
            lo = v < lo ? v : lo, hi = v > hi ? v : hi, sum += v, finite++;
    }
    double mean = finite ? sum / (double)finite : NAN;
    for (int64_t i = 0; i < n; i++) {
        double v = tn_get_f64(t->dtype, t->data, i);
        if (isfinite(v)) sq += (v - mean) * (v - mean);
    }
    if (finite)
        tn_text_printf(out, "  min %.6g  max %.6g  mean %.6g  std %.6g", lo, hi, mean, sqrt(sq / (double)finite));
    if (nan) tn_text_printf(out, "  NaN %lld", (long long)nan);
    if (inf) tn_text_printf(out, "  infinite %lld", (long long)inf);
}

void tn_report_top(const tn_tensor *t, int k, tn_text *out) {
    int64_t n = t->rank ? t->dims[t->rank - 1] : 0, best[64];
    int kept = 0;
    if (!tn_dtype_is_float(t->dtype) || n < 2 || k < 1 || tn_count(t) == 0) return;
    if (k > (int)TN_COUNT(best)) k = TN_COUNT(best);
    for (int64_t i = 0; i < n; i++) {
        double v = tn_get_f64(t->dtype, t->data, i);
        int at = kept < k ? kept++ : k;
        if (at == k && !(v > tn_get_f64(t->dtype, t->data, best[k - 1]))) continue;
        if (at == k) at = k - 1;
        for (; at > 0 && v > tn_get_f64(t->dtype, t->data, best[at - 1]); at--) best[at] = best[at - 1];
        best[at] = i;
    }
    for (int i = 0; i < kept; i++)
        tn_text_printf(out, "  %8lld  %.6g\n", (long long)best[i], tn_get_f64(t->dtype, t->data, best[i]));
}

/* Two strings, or two exact numbers. */
static bool same_exact(const tn_tensor *a, const tn_tensor *b, int64_t i) {
    if (a->dtype == TN_STRING) {
        const tn_string *u = (const tn_string *)a->data + i, *v = (const tn_string *)b->data + i;
        return u->len == v->len && (u->len == 0 || !memcmp(u->ptr, v->ptr, u->len));
    }
    return tn_get_i64(a->dtype, a->data, i) == tn_get_i64(b->dtype, b->data, i);
}

tn_status tn_compare_tensors(const tn_tensor *got, const tn_tensor *want, double rtol, double atol, tn_difference *d) {
    char a[256], b[256];
    *d = (tn_difference){ .first = -1 };
    if (got->dtype != want->dtype)
        return tn_fail(TN_E_TYPE, "%s, expected %s", tn_dtype_name(got->dtype), tn_dtype_name(want->dtype));
    if (!tn_dims_equal(got->rank, got->dims, want->rank, want->dims))
        return tn_fail(TN_E_SHAPE, "shape %s, expected %s", tn_dims_text(got->rank, got->dims, a, sizeof a),
                       tn_dims_text(want->rank, want->dims, b, sizeof b));
    bool complex = tn_dtype_is_complex(got->dtype), inexact = complex || tn_dtype_is_float(got->dtype);
    tn_dtype t = !complex ? got->dtype : got->dtype == TN_C64 ? TN_F32 : TN_F64;
    double largest = 0;
    for (int64_t i = 0, n = tn_count(got) * (complex ? 2 : 1); i < n; i++) {
        bool differs;
        if (!inexact) {
            differs = !same_exact(got, want, i);
            if (got->dtype != TN_STRING)
                d->max_abs = fmax(d->max_abs, fabs(tn_get_f64(t, got->data, i) - tn_get_f64(t, want->data, i)));
        } else {
            double g = tn_get_f64(t, got->data, i), w = tn_get_f64(t, want->data, i), gap = fabs(g - w);
            if (g == w || (isnan(g) && isnan(w)))
                gap = 0;
            else if (isnan(gap))
                gap = INFINITY;
            differs = gap > atol + rtol * fabs(w);
            d->max_abs = fmax(d->max_abs, gap);
            if (isfinite(w)) largest = fmax(largest, fabs(w));
        }
        if (differs && d->differ++ == 0) d->first = i;
    }
    d->max_rel = d->max_abs == 0 ? 0 : largest > 0 ? d->max_abs / largest : INFINITY;
    return TN_OK;
}
