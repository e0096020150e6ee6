/* report.c - tensors for people. */
#include "cli/report.h"
#include "tensor/stats.h"

#define MOST_CLASSES 64

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

void tn_report_top(const tn_tensor *t, int k, tn_text *out) {
    tn_top best[MOST_CLASSES];
    if (!tn_dtype_is_float(t->dtype) || t->rank < 1 || t->dims[t->rank - 1] < 2) return;
    int n = tn_top_k(t, 0, k < MOST_CLASSES ? k : MOST_CLASSES, best);
    for (int i = 0; i < n; i++) tn_text_printf(out, "  %8lld  %.6g\n", (long long)best[i].index, best[i].value);
}
