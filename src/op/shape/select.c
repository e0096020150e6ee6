/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* select.c - Where, Compress, NonZero, OneHot, Trilu, ReverseSequence: elements chosen or placed by a condition. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include "op/shape/grads.h"
#include <string.h>

/* --------------------------------------------------------------------------------------------------------- Where */

static tn_status where_infer(tn_infer *c) {
    int rank;
    tn_dim dims[TN_MAX_RANK];
    TN_TRY(tn_infer_broadcast(c, 0, 2, &rank, dims));
    tn_infer_out(c, 0, tn_infer_dtype(c, 1), rank, dims);
    if (rank < 0 || rank > 1 || !tn_dtype_is_int(tn_infer_dtype(c, 1))) return TN_OK;
    int nc, na, nb; /* exporters choose between shapes with it: Where(shape == -1, 1, shape) */
    const tn_dim *cond = tn_infer_contents(c, 0, &nc), *a = tn_infer_contents(c, 1, &na),
                 *b = tn_infer_contents(c, 2, &nb);
    int64_t n = rank == 0 ? 1 : dims[0];
    if (!cond || !a || !b || !tn_dim_known(n) || n > TN_CONTENT_MAX) return TN_OK;
    if ((nc != 1 && nc != n) || (na != 1 && na != n) || (nb != 1 && nb != n)) return TN_OK;
    tn_dim v[TN_CONTENT_MAX];
    for (int i = 0; i < n; i++) {
        tn_dim which = cond[nc == 1 ? 0 : i];
        v[i] = !tn_dim_known(which) ? TN_DIM_UNKNOWN : which ? a[na == 1 ? 0 : i] : b[nb == 1 ? 0 : i];
    }
    tn_infer_out_content(c, 0, v, (int)n);
    return TN_OK;
}

/* Strides of x seen in a broadcast shape of `rank` dimensions: 0 where it is repeated. */
static void broadcast_strides(const tn_tensor *x, int rank, int64_t *stride) {
    int64_t s = 1;
    for (int d = rank - 1; d >= 0; d--) {
        int k = d - (rank - x->rank);
        stride[d] = k >= 0 && x->dims[k] > 1 ? s : 0;
        if (k >= 0) s *= x->dims[k];
    }
}

#define WHERE_ROW(T)                                                                      \
    case sizeof(T): {                                                                     \
        const T *pa = (const T *)a->data + off[1], *pb = (const T *)b->data + off[2];     \
        T *py = (T *)y->data + done;                                                      \
        for (int64_t i = from; i < to; i++) py[i] = pc[i * sc] ? pa[i * sa] : pb[i * sb]; \
        break;                                                                            \
    }
enum { PIECE = 1 << 16 }; /* elements between looks at the budget */

typedef struct {
    uint64_t lo, hi;
} bits128;

static tn_status where_run(tn_run *r) {
    const tn_tensor *cond = tn_in(r, 0), *a = tn_in(r, 1), *b = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    int64_t total = tn_count(y), stride[3][TN_MAX_RANK], off[3] = { 0 }, at[TN_MAX_RANK] = { 0 };
    int last = y->rank - 1;
    tn_ticks ticks = { 0 };
    if (total == 0) return TN_OK;
    for (int i = 0; i < 3; i++) broadcast_strides(tn_in(r, i), y->rank, stride[i]);
    int64_t run = last < 0 ? 1 : y->dims[last];
    int64_t sc = last < 0 ? 0 : stride[0][last], sa = last < 0 ? 0 : stride[1][last],
            sb = last < 0 ? 0 : stride[2][last];
    for (int64_t done = 0; done < total; done += run) {
        const uint8_t *pc = (const uint8_t *)cond->data + off[0];
        for (int64_t from = 0, to; from < run; from = to) {
            to = run - from < PIECE ? run : from + PIECE;
            if (tn_ticks_stopped(&ticks, 2 * (uint64_t)(to - from))) return tn_op_stopped(r);
            switch (tn_dtypes[y->dtype].bytes) {
                WHERE_ROW(uint8_t)
                WHERE_ROW(uint16_t)
                WHERE_ROW(uint32_t)
                WHERE_ROW(uint64_t)
                WHERE_ROW(bits128)
            }
        }
        for (int d = last - 1; d >= 0; d--) {
            for (int i = 0; i < 3; i++) off[i] += stride[i][d];
            if (++at[d] < y->dims[d]) break;
            for (int i = 0; i < 3; i++) off[i] -= y->dims[d] * stride[i][d];
            at[d] = 0;
        }
    }
    return tn_op_own_strings(y);
}

/* ------------------------------------------------------------------------------------------------------ Compress */

enum { FLAT = TN_MAX_RANK }; /* no axis is given: the input counts as a list */
typedef struct {
    int64_t axis;
} along;

static tn_status compress_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axis;
    int64_t given = ((const along *)c->attrs)->axis;
    bool flat = given == FLAT;
    tn_dim dims[TN_MAX_RANK];
    if (rank >= 0 && !flat) {
        TN_TRY(tn_op_axis(c->node, given, rank, &axis));
        memcpy(dims, c->in[0]->dims, sizeof dims);
        dims[axis] = TN_DIM_UNKNOWN;
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), rank, dims);
    } else {
        tn_infer_out(c, 0, tn_infer_dtype(c, 0), flat ? 1 : -1, NULL);
    }
    return TN_OK;
}

static tn_status compress_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *cond = tn_in(r, 1);
    const uint8_t *keep = cond->data;
    int64_t given = ((const along *)r->attrs)->axis;
    bool flat = given == FLAT;
    int axis = flat ? 0 : tn_op_axis_at(given, x->rank);
    int64_t len = flat ? tn_count(x) : x->dims[axis], n = tn_count(cond) < len ? tn_count(cond) : len, kept = 0;
    int64_t outer = flat ? 1 : tn_op_product(x->dims, 0, axis),
            inner = flat ? 1 : tn_op_product(x->dims, axis + 1, x->rank);
    int64_t dims[TN_MAX_RANK];
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        if (tn_ticks_stopped(&ticks, 2)) return tn_op_stopped(r);
        kept += keep[i] != 0;
    }
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = kept;
    TN_TRY(tn_run_alloc(r, 0, x->dtype, flat ? 1 : x->rank, dims));
    tn_tensor *y = tn_out(r, 0);
    int64_t at = 0;
    for (int64_t o = 0; o < outer && tn_count(y) > 0; o++)
        for (int64_t i = 0; i < n; i++) {
            if (tn_ticks_stopped(&ticks, 8 + (uint64_t)inner)) return tn_op_stopped(r);
            if (!keep[i]) continue;
            tn_op_copy_elements(y, at, x, (o * len + i) * inner, inner);
            at += inner;
        }
    return tn_op_own_strings(y);
}

/* ------------------------------------------------------------------------------------------------------- NonZero */

static tn_status nonzero_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, TN_I64, 2, (tn_dim[]){ rank < 0 ? TN_DIM_UNKNOWN : rank, TN_DIM_UNKNOWN });
    return TN_OK;
}

static bool is_nonzero(const tn_tensor *x, int64_t i) {
    if (x->dtype == TN_BOOL || x->dtype == TN_U8 || x->dtype == TN_I8) return ((const uint8_t *)x->data)[i] != 0;
    if (x->dtype == TN_STRING) return ((const tn_string *)x->data)[i].len != 0;
    if (tn_dtype_is_complex(x->dtype)) {
        tn_dtype part = x->dtype == TN_C64 ? TN_F32 : TN_F64;
        return tn_get_f64(part, x->data, 2 * i) != 0 || tn_get_f64(part, x->data, 2 * i + 1) != 0;
    }
    return tn_dtype_is_float(x->dtype) ? tn_get_f64(x->dtype, x->data, i) != 0 : tn_get_i64(x->dtype, x->data, i) != 0;
}

static tn_status nonzero_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    int64_t total = tn_count(x), n = 0, k = 0;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < total; i++) {
        if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
        n += is_nonzero(x, i);
    }
    TN_TRY(tn_run_alloc(r, 0, TN_I64, 2, (int64_t[]){ x->rank, n }));
    int64_t *out = tn_out(r, 0)->data;
    for (int64_t i = 0; i < total && n > 0; i++) {
        if (tn_ticks_stopped(&ticks, 8)) return tn_op_stopped(r);
        if (!is_nonzero(x, i)) continue;
        int64_t rest = i;
        for (int d = x->rank - 1; d >= 0; d--) out[d * n + k] = rest % x->dims[d], rest /= x->dims[d];
        k++;
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- OneHot */

static tn_status onehot_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0), axis, n;
    tn_dim dims[TN_MAX_RANK + 1], *at = dims;
    if (rank < 0 || rank + 1 > TN_MAX_RANK) {
        tn_infer_out(c, 0, tn_infer_dtype(c, 2), -1, NULL);
        return rank < 0 ? TN_OK : tn_infer_fail(c, TN_E_SHAPE, "the result would have %d dimensions", rank + 1);
    }
    TN_TRY(tn_op_axis(c->node, ((const along *)c->attrs)->axis, rank + 1, &axis));
    const tn_dim *d = tn_infer_ints(c, 1, &n);
    tn_dim len = d && n == 1 ? d[0] : TN_DIM_UNKNOWN;
    const tn_tensor *depth = d ? NULL : tn_infer_tensor(c, 1); /* may be a float */
    if ((d && n != 1) || (depth && tn_count(depth) != 1))
        return tn_infer_fail(c, TN_E_SHAPE, "depth holds %lld elements, not one", (long long)(d ? n : tn_count(depth)));
    if (depth) len = tn_dim_clamp(tn_get_i64(depth->dtype, depth->data, 0));
    if (tn_dim_known(len) && len < 0) return tn_infer_fail(c, TN_E_INVALID, "depth is %lld", (long long)len);
    for (int i = 0; i <= rank; i++) dims[i] = i == axis ? len : i < axis ? c->in[0]->dims[i] : c->in[0]->dims[i - 1];
    tn_infer_out(c, 0, tn_infer_dtype(c, 2), rank + 1, at);
    return TN_OK;
}

static tn_status onehot_run(tn_run *r) {
    const tn_tensor *ix = tn_in(r, 0), *values = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    int axis = tn_op_axis_at(((const along *)r->attrs)->axis, y->rank);
    int64_t depth = y->dims[axis], inner = tn_op_product(y->dims, axis + 1, y->rank), total = tn_count(y);
    if (tn_count(values) != 2) return tn_op_fail(r->node, TN_E_SHAPE, "values must hold [off, on]");
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < total; i++) {
        if (tn_ticks_stopped(&ticks, 4)) return tn_op_stopped(r);
        tn_op_copy_element(y, i, values, 0);
    }
    for (int64_t i = 0; i < tn_count(ix); i++) {
        if (tn_ticks_stopped(&ticks, 16)) return tn_op_stopped(r);
        int64_t k = tn_get_i64(ix->dtype, ix->data, i);
        if (k < 0) k += depth;
        if (k >= 0 && k < depth) tn_op_copy_element(y, (i / inner * depth + k) * inner + i % inner, values, 1);
    }
    return tn_op_own_strings(y);
}

/* --------------------------------------------------------------------------------------------------------- Trilu */

typedef struct {
    bool upper;
} triangle;

static tn_status trilu_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    if (rank >= 0 && rank < 2)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions, at least 2 are needed", rank);
    return tn_infer_same(c);
}

static tn_status trilu_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    bool upper = ((const triangle *)r->attrs)->upper;
    int64_t k;
    TN_TRY(tn_op_one_int(r, 1, 0, &k));
    int64_t rows = x->dims[x->rank - 2], cols = x->dims[x->rank - 1];
    size_t each = (size_t)tn_dtypes[x->dtype].bytes;
    if (tn_count(x) == 0) return TN_OK;
    k = k > cols ? cols : k < -rows ? -rows : k;
    tn_ticks ticks = { 0 };
    for (int64_t row = 0; row < tn_count(x) / cols; row++) {
        if (tn_ticks_stopped(&ticks, 16 + (uint64_t)cols * each / 4)) return tn_op_stopped(r);
        int64_t cut = row % rows + k + (upper ? 0 : 1); /* upper keeps [cut, cols), lower [0, cut) */
        cut = cut < 0 ? 0 : cut > cols ? cols : cut;
        char *py = (char *)y->data + (size_t)(row * cols) * each;
        const char *px = (const char *)x->data + (size_t)(row * cols) * each;
        size_t head = (size_t)cut * each, tail = (size_t)(cols - cut) * each;
        if (py != px) memcpy(upper ? py + head : py, upper ? px + head : px, upper ? tail : head);
        memset(upper ? py : py + head, 0, upper ? head : tail); /* of strings the empty one */
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------- ReverseSequence */

typedef struct {
    int64_t batch_axis, time_axis;
} reversal;

static tn_status reverse_infer(tn_infer *c) {
    const reversal *a = c->attrs;
    int rank = tn_infer_rank(c, 0), batch = 0, time = 1;
    if (rank >= 0) {
        TN_TRY(tn_op_axis(c->node, a->batch_axis, rank, &batch));
        TN_TRY(tn_op_axis(c->node, a->time_axis, rank, &time));
    }
    if (batch > 1 || time > 1 || batch == time)
        return tn_infer_fail(c, TN_E_INVALID, "time_axis and batch_axis must be 0 and 1 in some order");
    return tn_infer_same(c);
}

static tn_status reverse_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *lens = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    const reversal *a = r->attrs;
    int time = tn_op_axis_at(a->time_axis, x->rank), batch = tn_op_axis_at(a->batch_axis, x->rank);
    int64_t inner = tn_op_product(x->dims, 2, x->rank);
    if (tn_count(lens) != x->dims[batch])
        return tn_op_fail(r->node, TN_E_SHAPE, "sequence_lens has %lld entries for %lld sequences",
                          (long long)tn_count(lens), (long long)x->dims[batch]);
    tn_ticks ticks = { 0 };
    for (int64_t b = 0; b < x->dims[batch]; b++) {
        int64_t len = tn_get_i64(lens->dtype, lens->data, b);
        if (len < 0 || len > x->dims[time])
            return tn_op_fail(r->node, TN_E_INVALID, "sequence_lens[%lld] is %lld; sequences have %lld steps",
                              (long long)b, (long long)len, (long long)x->dims[time]);
        for (int64_t t = 0; t < x->dims[time]; t++) {
            if (tn_ticks_stopped(&ticks, 16 + (uint64_t)inner)) return tn_op_stopped(r);
            int64_t from = t < len ? len - 1 - t : t;
            int64_t dst = time == 0 ? t * x->dims[1] + b : b * x->dims[1] + t;
            int64_t src = time == 0 ? from * x->dims[1] + b : b * x->dims[1] + from;
            tn_op_copy_elements(y, dst * inner, x, src * inner, inner);
        }
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port where_in[] = {
    { "condition", TN_BOOLS, 0 }, { "X", TN_ANY_TYPE & ~TN_PACKED, 'T' }, { "Y", TN_ANY_TYPE & ~TN_PACKED, 'T' }, { 0 }
};
static const tn_port compress_in[] = { { "input", TN_ANY_TYPE, 'T' }, { "condition", TN_BOOLS, 0 }, { 0 } };
static const tn_port onehot_in[] = {
    { "indices", TN_REAL, 0 }, { "depth", TN_REAL, 0 }, { "values", TN_ANY_TYPE, 'T' }, { 0 }
};
static const tn_port trilu_in[] = { { "input", TN_ANY_TYPE & ~TN_PACKED, 'T' },
                                    { "k", tn_dtype_bit(TN_I64), 0, .optional = true },
                                    { 0 } };
static const tn_port reverse_in[] = { { "input", TN_ANY_TYPE, 'T' },
                                      { "sequence_lens", tn_dtype_bit(TN_I64), 0 },
                                      { 0 } };
#define AXIS(dflt) \
    { TN_INT(along, axis, dflt), .min = -TN_MAX_RANK, .max = TN_MAX_RANK - 1 }
static const tn_attr_spec compress_attrs[] = { AXIS(FLAT), { 0 } };
static const tn_attr_spec onehot_attrs[] = { AXIS(-1), { 0 } };
static const tn_attr_spec trilu_attrs[] = { { TN_FLAG(triangle, upper, true) }, { 0 } };
static const tn_attr_spec reverse_attrs[] = { { TN_INT(reversal, batch_axis, 1) },
                                              { TN_INT(reversal, time_axis, 0) },
                                              { 0 } };

const tn_op tn_ops_select[] = {
    { .name = "Where",
      .since = 16,
      .in = where_in,
      .out = tn_ports_any_t,
      .infer = where_infer,
      .run = where_run,
      .grad = tn_grad_where,
      .doc = "X where the condition holds, else Y; all broadcast" },
    { .name = "Compress",
      .since = 11,
      .flags = TN_OP_DYNAMIC,
      .in = compress_in,
      .out = tn_ports_any_t,
      TN_ATTRS(compress_attrs, along),
      .infer = compress_infer,
      .run = compress_run,
      .grad = tn_grad_copying,
      .doc = "the slices whose condition holds" },
    { .name = "NonZero",
      .since = 13,
      .flags = TN_OP_DYNAMIC,
      .in = tn_ports_any_t,
      .out = tn_ports_i64,
      .infer = nonzero_infer,
      .run = nonzero_run,
      .grad = tn_grad_none,
      .doc = "coordinates of the elements that are not zero, one per column" },
    { .name = "OneHot",
      .since = 11,
      .in = onehot_in,
      .out = tn_ports_any_t,
      TN_ATTRS(onehot_attrs, along),
      .infer = onehot_infer,
      .run = onehot_run,
      .grad = tn_grad_one_hot,
      .doc = "a new axis that is 'on' at the index and 'off' elsewhere" },
    { .name = "Trilu",
      .since = 14,
      .in = trilu_in,
      .out = tn_ports_any_t,
      TN_ATTRS(trilu_attrs, triangle),
      .infer = trilu_infer,
      .run = trilu_run,
      .grad = tn_grad_trilu,
      .doc = "the upper or lower triangle of each matrix, the rest zero" },
    { .name = "ReverseSequence",
      .since = 10,
      .in = reverse_in,
      .out = tn_ports_any_t,
      TN_ATTRS(reverse_attrs, reversal),
      .infer = reverse_infer,
      .run = reverse_run,
      .grad = tn_grad_reverse,
      .doc = "each sequence of a batch reversed up to its own length" },
    { 0 },
};
