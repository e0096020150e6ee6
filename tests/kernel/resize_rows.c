/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize_rows.c - the row kernels of resampling: every variant against plain C. */
#include "base/status.h"
#include "lib/kernel_check.h"
#include <math.h>
#include <string.h>

enum { TAPS = 5 };

/* Indices anywhere in a row of `from` elements, or close together and rising, as those of resampling are. */
static int32_t *indices(check_ctx *c, int64_t n, int taps, int64_t from) {
    int32_t *index = check_out(c, (size_t)(n * taps) * sizeof *index);
    bool rising = check_chance(c, 60);
    int64_t step = check_int(c, 1, 9), first = check_int(c, 0, from - 1);
    for (int64_t i = 0; i < n * taps; i++) {
        int64_t at = rising ? first + i % n * step / 4 + i / n : check_int(c, 0, from - 1);
        index[i] = (int32_t)(at < from ? at : from - 1);
    }
    return index;
}

static void rows(check_ctx *c) {
    const tn_resize_kernels *r = &c->ref->resize, *f = &c->fast->resize;
    int64_t n = (int64_t)check_size(c, 300), from = check_int(c, 1, 400);
    int taps = (int)check_int(c, 1, TAPS);
    size_t bytes = (size_t)n * 4;
    float *x = check_floats(c, (size_t)from), *w = check_floats(c, (size_t)(n * taps));
    if (check_chance(c, 20)) x[check_int(c, 0, from - 1)] = check_chance(c, 50) ? NAN : INFINITY;
    const int32_t *index = indices(c, n, taps, from);
    float *want = check_out(c, bytes), *got = check_out(c, bytes);
    r->gather_taps(x, index, w, taps, n, want);
    check_call(c, f->gather_taps(x, index, w, taps, n, got));
    check_close(c, got, want, (size_t)n, 1e-6, 1e-6);

    want = check_out(c, bytes), got = check_out(c, bytes);
    r->gather((uint32_t *)(void *)x, index, n, (uint32_t *)(void *)want);
    f->gather((uint32_t *)(void *)x, index, n, (uint32_t *)(void *)got);
    check_same(c, got, want, bytes);
}

static void blend(check_ctx *c) {
    int64_t n = (int64_t)check_size(c, 300);
    int taps = (int)check_int(c, 1, TAPS);
    const float *rows_of[TAPS], *w = check_floats(c, TAPS);
    for (int k = 0; k < taps; k++) rows_of[k] = check_floats(c, (size_t)n);
    float *want = check_out(c, (size_t)n * 4), *got = check_out(c, (size_t)n * 4);
    c->ref->resize.blend(rows_of, w, taps, n, want);
    check_call(c, c->fast->resize.blend(rows_of, w, taps, n, got));
    check_close(c, got, want, (size_t)n, 1e-6, 1e-6);
}

static const check_case cases[] = { { "rows", rows, 200 }, { "blend", blend, 150 } };
int main(int argc, char **argv) { return check_main("resize", cases, TN_COUNT(cases), argc, argv); }
