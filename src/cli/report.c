/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* report.c - tensors for people. */
#include "cli/report.h"
#include "tensor/stats.h"

#define MOST_CLASSES 64
#define MOST_ITEMS   8 /* of a sequence or map that are printed */

void tn_report_tensor(const tn_tensor *t, tn_text *out) {
    char shape[256];
    tn_stats s;
    tn_text_printf(out, "%s[%s]", tn_dtype_name(t->dtype),
                   t->rank ? tn_dims_text(t->rank, t->dims, shape, sizeof shape) : "");
    if (t->dtype == TN_STRING) return;
    tn_stats_of(t, &s);
    if (s.count > s.nans)
        tn_text_printf(out, "  min %.6g  max %.6g  mean %.6g  std %.6g", s.min, s.max, s.mean, s.deviation);
    if (s.nans) tn_text_printf(out, "  NaN %lld", (long long)s.nans);
    if (s.infinities) tn_text_printf(out, "  infinite %lld", (long long)s.infinities);
}

static void element(const tn_tensor *t, int64_t i, tn_text *out) {
    if (t->dtype == TN_STRING) {
        const tn_string *s = (const tn_string *)t->data + i;
        tn_text_json(out, s->len ? s->ptr : "", s->len < 60 ? s->len : 60);
    } else if (tn_dtype_is_int(t->dtype)) {
        tn_text_printf(out, "%lld", (long long)tn_get_i64(t->dtype, t->data, i));
    } else {
        tn_text_printf(out, "%.6g", tn_get_f64(t->dtype, t->data, i));
    }
}

static void report(const tn_datum *d, int depth, tn_text *out) {
    for (int i = 0; i < 2 * depth; i++) tn_text_puts(out, " ");
    if (d->kind == TN_KIND_TENSOR) {
        tn_report_tensor(&d->tensor, out);
        tn_text_puts(out, "\n");
    } else if (d->kind == TN_KIND_MAP && d->list && d->list->n == 2) {
        const tn_tensor *keys = &d->list->items[0].tensor, *values = &d->list->items[1].tensor;
        int64_t n = tn_count(keys);
        tn_text_printf(out, "map of %lld {", (long long)n);
        for (int64_t i = 0; i < n && i < MOST_ITEMS; i++) {
            tn_text_puts(out, i ? ", " : " ");
            element(keys, i, out);
            tn_text_puts(out, ": ");
            element(values, i, out);
        }
        tn_text_puts(out, n > MOST_ITEMS ? ", ... }\n" : " }\n");
    } else if (d->kind == TN_KIND_SEQUENCE && d->list) {
        tn_text_printf(out, "sequence of %zu\n", d->list->n);
        for (size_t i = 0; i < d->list->n && i < MOST_ITEMS && depth < 4; i++)
            report(&d->list->items[i], depth + 1, out);
        if (d->list->n > MOST_ITEMS) tn_text_puts(out, "  ...\n");
    } else {
        tn_text_puts(out, "nothing\n");
    }
}

void tn_report_datum(const tn_datum *d, tn_text *out) { report(d, 0, out); }

void tn_report_top(const tn_tensor *t, int k, tn_text *out) {
    tn_top best[MOST_CLASSES];
    if (!tn_dtype_is_float(t->dtype) || t->rank < 1 || t->dims[t->rank - 1] < 2) return;
    int n = tn_top_k(t, 0, k < MOST_CLASSES ? k : MOST_CLASSES, best);
    for (int i = 0; i < n; i++) tn_text_printf(out, "  %8lld  %.6g\n", (long long)best[i].index, best[i].value);
}
