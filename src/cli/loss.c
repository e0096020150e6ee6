/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loss.c - see loss.h. */
#include "cli/loss.h"
#include "base/clean.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    tn_datum *v;
    size_t n;
} results;

static void drop(results *r) {
    for (size_t i = 0; r->v && i < r->n; i++) tn_datum_reset(&r->v[i]);
    free(r->v);
}

static tn_status run_as(const tn_model *m, const tn_feed *feed, const tn_session_opts *opts, const char *precision,
                        results *r) {
    tn_session_opts own = *opts;
    tn_session *s = NULL;
    own.precision = precision;
    own.profile = 0;
    r->n = (size_t)m->graph->n_outputs;
    if (!(r->v = calloc(r->n + 1, sizeof *r->v))) return tn_fail(TN_E_NOMEM, "no memory for the outputs");
    tn_status st = tn_session_new(m, &own, &s);
    if (st == TN_OK) st = tn_session_run_data(s, feed->n, feed->list, r->n, r->v);
    tn_session_free(&s);
    return st;
}

typedef struct {
    double largest, rms; /* relative */
    int64_t odd;         /* elements that are infinite or NaN in one of the two alone */
} difference;

static difference compare(const tn_tensor *a, const tn_tensor *b) {
    double most = 0, top = 0, squares = 0, all = 0;
    difference d = { 0 };
    for (int64_t i = 0; i < tn_count(a); i++) {
        double x = tn_get_f64(a->dtype, a->data, i), y = tn_get_f64(b->dtype, b->data, i);
        if (!isfinite(x) || !isfinite(y)) {
            d.odd += !(x == y || (isnan(x) && isnan(y)));
            continue;
        }
        most = fmax(most, fabs(x - y));
        top = fmax(top, fabs(y));
        squares += (x - y) * (x - y);
        all += y * y;
    }
    d.largest = top > 0 ? most / top : most;
    d.rms = all > 0 ? sqrt(squares / all) : sqrt(squares);
    return d;
}

static bool comparable(const tn_datum *a, const tn_datum *b) {
    return a->kind == TN_KIND_TENSOR && b->kind == TN_KIND_TENSOR && a->tensor.dtype == b->tensor.dtype &&
           a->tensor.dtype != TN_STRING && !tn_dtype_is_complex(a->tensor.dtype) &&
           tn_dims_equal(a->tensor.rank, a->tensor.dims, b->tensor.rank, b->tensor.dims);
}

static void put(const char *name, const tn_datum *a, const tn_datum *b, bool json, bool first, tn_text *out) {
    difference d = comparable(a, b) ? compare(&a->tensor, &b->tensor) : (difference){ NAN, NAN, 0 };
    if (json) {
        tn_text_puts(out, first ? "{\"output\": " : ", {\"output\": ");
        tn_text_json(out, name, strlen(name));
        if (isnan(d.rms))
            tn_text_puts(out, ", \"comparable\": false}");
        else
            tn_text_printf(out, ", \"largest\": %.4g, \"rms\": %.4g, \"not_finite\": %lld}", d.largest, d.rms,
                           (long long)d.odd);
        return;
    }
    tn_text_printf(out, "%s%s: ", first ? "loss        " : "            ", tn_shown(name));
    if (isnan(d.rms)) {
        tn_text_puts(out, "its shape or kind differs from that of float32\n");
        return;
    }
    tn_text_printf(out, "largest difference from float32 %.3g of the largest magnitude, RMS %.3g", d.largest, d.rms);
    if (d.odd) tn_text_printf(out, "; %lld elements are finite in one of the two alone", (long long)d.odd);
    tn_text_puts(out, "\n");
}

tn_status tn_loss(const tn_model *m, const tn_feed *feed, const tn_session_opts *opts, bool json, tn_text *out) {
    results wide = { 0 }, own = { 0 };
    tn_status st = run_as(m, feed, opts, "f32", &wide);
    if (st == TN_OK) st = run_as(m, feed, opts, opts->precision, &own);
    if (st == TN_OK && json) tn_text_puts(out, ", \"loss\": [");
    for (size_t i = 0; st == TN_OK && i < own.n; i++)
        put(m->graph->outputs[i]->name, &own.v[i], &wide.v[i], json, i == 0, out);
    if (st == TN_OK && json) tn_text_puts(out, "]");
    drop(&wide);
    drop(&own);
    return st;
}
