/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rows.c - writing and reading the rows of a cache, whatever type they are kept in. */
#include "tensor/rows.h"
#include <string.h>

static tn_status convert(tn_dtype from, const void *x, tn_dtype to, void *y, int64_t n) {
    if (from != to) return tn_convert(from, x, to, y, n, false, TN_ROUND_NEAREST);
    memcpy(y, x, (size_t)n * (size_t)tn_dtypes[to].bytes);
    return TN_OK;
}

tn_status tn_rows_put(tn_rows *r, int64_t b, int64_t h, int64_t first, int64_t n, tn_dtype type, const void *from,
                      int64_t stride) {
    const char *x = from;
    for (int64_t i = 0; i < n; i++, x += (size_t)stride * (size_t)tn_dtypes[type].bytes)
        TN_TRY(convert(type, x, r->type, tn_row_at(r, b, h, first + i), r->size));
    return TN_OK;
}

tn_status tn_rows_get(const tn_rows *r, int64_t b, int64_t h, int64_t first, int64_t n, tn_dtype type, void *to) {
    char *y = to;
    for (int64_t done = 0; done < n;) {
        int64_t at = first + done, part = r->block - at % r->block;
        if (part > n - done) part = n - done;
        TN_TRY(convert(r->type, tn_row_at(r, b, h, at), type, y, part * r->size));
        y += (size_t)(part * r->size) * (size_t)tn_dtypes[type].bytes;
        done += part;
    }
    return TN_OK;
}
