/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sequence.c - sequences and optionals: lists of data, and data that may be absent. */
#include "base/budget.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/sequence/grads.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ inference */

static const tn_type *element_of(const tn_infer *c, int i) {
    return tn_infer_has(c, i) && c->in[i]->kind == TN_KIND_SEQUENCE ? c->in[i]->elem : NULL;
}

/* A copy of a type that lives as long as the inference. */
static const tn_type *keep(tn_infer *c, const tn_type *t) {
    tn_type *k = t ? tn_arena_new_of(c->arena, tn_type) : NULL;
    if (k) *k = *t;
    return k;
}

static void out_sequence(tn_infer *c, const tn_type *elem) {
    c->out[0] = (tn_type){ .kind = TN_KIND_SEQUENCE, .elem = keep(c, elem) };
}

static tn_status construct_infer(tn_infer *c) {
    tn_type joined = *c->in[0];
    for (int i = 1; i < c->n_in; i++) {
        if (c->in[i]->kind == TN_KIND_TENSOR && joined.kind == TN_KIND_TENSOR && c->in[i]->dtype && joined.dtype &&
            c->in[i]->dtype != joined.dtype)
            return tn_infer_fail(c, TN_E_TYPE, "a sequence cannot hold both %s and %s", tn_dtype_name(joined.dtype),
                                 tn_dtype_name(c->in[i]->dtype));
        tn_type_join(&joined, c->in[i]);
    }
    out_sequence(c, &joined);
    return TN_OK;
}

typedef struct {
    tn_dtype dtype;
} empty;

static tn_status empty_infer(tn_infer *c) {
    tn_type t = tn_type_tensor(((const empty *)c->attrs)->dtype);
    out_sequence(c, &t);
    return TN_OK;
}

/* Of a sequence of which nothing is known the new item tells the items' type, but not the others' shape. */
static tn_status insert_infer(tn_infer *c) {
    const tn_type *elem = element_of(c, 0);
    tn_type joined = elem ? *elem : tn_type_tensor(c->in[1]->dtype);
    tn_type_join(&joined, c->in[1]);
    out_sequence(c, &joined);
    return TN_OK;
}

static tn_status erase_infer(tn_infer *c) {
    out_sequence(c, element_of(c, 0));
    return TN_OK;
}

static tn_status at_infer(tn_infer *c) {
    const tn_type *elem = element_of(c, 0);
    if (elem) c->out[0] = *elem;
    return TN_OK;
}

static tn_status length_infer(tn_infer *c) {
    tn_infer_out(c, 0, TN_I64, 0, NULL);
    return TN_OK;
}

typedef struct {
    int64_t axis;
    bool keepdims;
} cutting;

static tn_status split_infer(tn_infer *c) {
    const cutting *a = c->attrs;
    int rank = tn_infer_rank(c, 0), axis;
    tn_type t = *c->in[0];
    if (rank >= 0) {
        TN_TRY(tn_op_axis(c->node, a->axis, rank, &axis));
        if (!tn_infer_has(c, 1) && !a->keepdims) {
            memmove(t.dims + axis, t.dims + axis + 1, sizeof *t.dims * (size_t)(rank - axis - 1));
            t.rank--;
        } else {
            t.dims[axis] = tn_infer_has(c, 1) ? TN_DIM_UNKNOWN : 1;
        }
    }
    out_sequence(c, &t);
    return TN_OK;
}

typedef struct {
    int64_t axis;
    bool new_axis;
} joining;

static tn_status join_infer(tn_infer *c) {
    const joining *a = c->attrs;
    const tn_type *elem = element_of(c, 0);
    int rank = elem ? elem->rank : -1, axis;
    bool fresh = a->new_axis;
    tn_dim dims[TN_MAX_RANK + 1];
    if (rank < 0 || rank + fresh > TN_MAX_RANK) {
        tn_infer_out(c, 0, elem ? elem->dtype : TN_NONE, -1, NULL);
        return TN_OK;
    }
    TN_TRY(tn_op_axis(c->node, a->axis, rank + fresh, &axis));
    for (int i = 0; i < rank + fresh; i++)
        dims[i] = i == axis ? TN_DIM_UNKNOWN : elem->dims[fresh && i > axis ? i - 1 : i];
    tn_infer_out(c, 0, elem->dtype, rank + fresh, dims);
    return TN_OK;
}

typedef struct {
    const tn_attr *type;
} maybe;

static tn_status optional_infer(tn_infer *c) {
    const tn_attr *a = ((const maybe *)c->attrs)->type;
    c->out[0] = (tn_type){ .kind = TN_KIND_OPTIONAL };
    if (tn_infer_has(c, 0))
        c->out[0].elem = keep(c, c->in[0]);
    else if (a)
        c->out[0].elem = a->type;
    else
        return tn_infer_fail(c, TN_E_INVALID, "neither an input nor attribute 'type' is given");
    return TN_OK;
}

static tn_status has_infer(tn_infer *c) {
    tn_infer_out(c, 0, TN_BOOL, 0, NULL);
    return TN_OK;
}

static tn_status get_infer(tn_infer *c) {
    if (!tn_infer_has(c, 0)) return TN_OK;
    if (c->in[0]->kind != TN_KIND_OPTIONAL)
        c->out[0] = *c->in[0];
    else if (c->in[0]->elem)
        c->out[0] = *c->in[0]->elem;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* Input 0 is a sequence: nothing before the run may know it. */
static tn_status sequence_check(const tn_run *r) {
    if (r->in[0] && r->in[0]->kind == TN_KIND_SEQUENCE) return TN_OK;
    return tn_op_fail(r->node, TN_E_TYPE, "input 0 is not a sequence");
}

static int64_t length_of(const tn_datum *d) { return d->list ? (int64_t)d->list->n : 0; }

static tn_status check_item(const tn_run *r, const tn_datum *first, const tn_datum *item) {
    bool same =
        first->kind == item->kind && (first->kind != TN_KIND_TENSOR || first->tensor.dtype == item->tensor.dtype);
    if (same) return TN_OK;
    return tn_op_fail(r->node, TN_E_TYPE, "a sequence cannot hold both %s and %s", tn_dtype_name(first->tensor.dtype),
                      tn_dtype_name(item->tensor.dtype));
}

/* Items are of one type; which one may show only now. */
static tn_status construct_check(const tn_run *r) {
    for (int i = 1; i < r->n_in; i++) TN_TRY(check_item(r, r->in[0], r->in[i]));
    return TN_OK;
}

static tn_status insert_check(const tn_run *r) {
    TN_TRY(sequence_check(r));
    return length_of(r->in[0]) ? check_item(r, &r->in[0]->list->items[0], r->in[1]) : TN_OK;
}

/* Hands a finished list over as output 0. */
static tn_status share_list(tn_run *r, tn_list *l) {
    tn_status st = tn_run_share(r, 0, &(tn_datum){ TN_KIND_SEQUENCE, .list = l });
    tn_list_unref(&l);
    return st;
}

static tn_status construct_run(tn_run *r) {
    tn_list *l = tn_list_new((size_t)r->n_in);
    tn_status st = l ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int i = 0; i < r->n_in && st == TN_OK; i++) st = tn_list_push(l, r->in[i]);
    if (st == TN_OK) return share_list(r, l);
    tn_list_unref(&l);
    return st;
}

static tn_status empty_run(tn_run *r) {
    tn_list *l = tn_list_new(0);
    return l ? share_list(r, l) : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
}

/* The position input i names in 0 .. n-1 (or n, for inserting); negative ones count from the end. */
static tn_status position(tn_run *r, int i, int64_t n, int64_t last, int64_t *at) {
    TN_TRY(tn_op_one_int(r, i, 0, at));
    if (*at < -n || *at > last)
        return tn_op_fail(r->node, TN_E_INVALID, "position %lld is outside -%lld..%lld", (long long)*at, (long long)n,
                          (long long)last);
    if (*at < 0) *at += n;
    return TN_OK;
}

static tn_status insert_run(tn_run *r) {
    int64_t n = length_of(r->in[0]), at = n;
    tn_list *l;
    if (tn_run_has(r, 2)) TN_TRY(position(r, 2, n, n, &at));
    if (at == n) { /* what loops do */
        tn_status st = tn_list_append(r->in[0]->list, r->in[1], &l);
        return st == TN_OK ? share_list(r, l) : tn_fail_at(st, "%s", tn_node_where(r->node));
    }
    l = tn_list_new((size_t)n + 1);
    tn_status st = l ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t i = 0; i <= n && st == TN_OK; i++)
        st = tn_list_push(l, i == at ? r->in[1] : &r->in[0]->list->items[i < at ? i : i - 1]);
    if (st == TN_OK) return share_list(r, l);
    tn_list_unref(&l);
    return st;
}

static tn_status erase_run(tn_run *r) {
    int64_t n = length_of(r->in[0]), at = n - 1;
    if (tn_run_has(r, 1)) TN_TRY(position(r, 1, n, n - 1, &at));
    if (n == 0) return tn_op_fail(r->node, TN_E_INVALID, "the sequence is empty");
    tn_list *l = tn_list_new((size_t)n);
    tn_status st = l ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t i = 0; i < n && st == TN_OK; i++)
        if (i != at) st = tn_list_push(l, &r->in[0]->list->items[i]);
    if (st == TN_OK) return share_list(r, l);
    tn_list_unref(&l);
    return st;
}

static tn_status at_run(tn_run *r) {
    int64_t n = length_of(r->in[0]), at;
    TN_TRY(position(r, 1, n, n - 1, &at));
    return tn_run_share(r, 0, &r->in[0]->list->items[at]);
}

static tn_status length_run(tn_run *r) {
    TN_TRY(tn_run_alloc(r, 0, TN_I64, 0, NULL));
    *(int64_t *)tn_out(r, 0)->data = length_of(r->in[0]);
    return TN_OK;
}

/* Elements [from, from + len) of x along axis as a new tensor; drop: without that axis (len is 1). */
static tn_status part(const tn_tensor *x, int axis, int64_t from, int64_t len, bool drop, tn_datum *d) {
    int64_t dims[TN_MAX_RANK], inner = tn_op_product(x->dims, axis + 1, x->rank),
                               outer = tn_op_product(x->dims, 0, axis);
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (i != axis || !drop) dims[rank++] = i == axis ? len : x->dims[i];
    *d = (tn_datum){ .kind = TN_KIND_TENSOR };
    TN_TRY(tn_tensor_init(&d->tensor, x->dtype, rank, dims, TN_MEM_ACTIVATIONS));
    for (int64_t o = 0; o < outer && tn_count(x); o++)
        tn_op_copy_elements(&d->tensor, o * len * inner, x, (o * x->dims[axis] + from) * inner, len * inner);
    return tn_op_own_strings(&d->tensor);
}

static tn_status split_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const cutting *a = r->attrs;
    int axis = tn_op_axis_at(a->axis, x->rank);
    bool drop = !tn_run_has(r, 1) && !a->keepdims;
    int64_t *sizes = NULL, n = 0, each = 1, total = x->dims[axis];
    if (tn_run_has(r, 1)) {
        TN_TRY(tn_op_ints(r, tn_in(r, 1), &sizes, &n));
        if (tn_in(r, 1)->rank == 0) each = sizes[0], sizes = NULL; /* parts of that size */
        if (!sizes && each < 1) return tn_op_fail(r->node, TN_E_INVALID, "split is %lld", (long long)each);
    }
    tn_list *l = tn_list_new((size_t)(sizes ? n : total / each + 1));
    tn_status st = l ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    int64_t at = 0;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; st == TN_OK && (sizes ? i < n : at < total); i++) {
        int64_t len = sizes ? sizes[i] : total - at < each ? total - at : each;
        tn_datum d = { 0 };
        if (tn_ticks_stopped(&ticks, 256)) {
            st = tn_op_stopped(r);
            break;
        }
        if (len < 0 || len > total - at) {
            st = tn_op_fail(r->node, TN_E_SHAPE, "split does not fit an axis of %lld", (long long)total);
            break;
        }
        st = part(x, axis, at, len, drop, &d);
        if (st == TN_OK) st = tn_list_push(l, &d);
        tn_datum_reset(&d);
        at += len;
    }
    if (st == TN_OK && at != total)
        st = tn_op_fail(r->node, TN_E_SHAPE, "split adds up to %lld of %lld", (long long)at, (long long)total);
    if (st == TN_OK) return share_list(r, l);
    tn_list_unref(&l);
    return st;
}

static tn_status join_run(tn_run *r) {
    size_t n = (size_t)length_of(r->in[0]);
    const joining *a = r->attrs;
    bool fresh = a->new_axis;
    if (n == 0) return tn_op_fail(r->node, TN_E_INVALID, "the sequence is empty");
    const tn_datum *items = r->in[0]->list->items;
    if (items[0].kind != TN_KIND_TENSOR) return tn_op_fail(r->node, TN_E_TYPE, "item 0 is not a tensor");
    const tn_tensor *first = &items[0].tensor;
    int rank = first->rank + fresh, axis;
    int64_t dims[TN_MAX_RANK], total = 0;
    if (rank > TN_MAX_RANK)
        return tn_op_fail(r->node, TN_E_SHAPE, "the result would have %d dimensions, at most %d can be", rank,
                          TN_MAX_RANK);
    TN_TRY(tn_op_axis(r->node, a->axis, rank, &axis));
    for (size_t i = 0; i < n; i++) {
        const tn_tensor *x = &items[i].tensor;
        bool same = items[i].kind == TN_KIND_TENSOR && x->rank == first->rank && x->dtype == first->dtype;
        for (int d = 0; same && d < x->rank; d++) same = x->dims[d] == first->dims[d] || (!fresh && d == axis);
        if (!same) return tn_op_fail(r->node, TN_E_SHAPE, "item %zu does not fit the first one", i);
        if (__builtin_add_overflow(total, fresh ? 1 : x->dims[axis], &total))
            return tn_op_fail(r->node, TN_E_SHAPE, "the items are longer than can be counted");
    }
    for (int d = 0; d < rank; d++) dims[d] = d == axis ? total : first->dims[fresh && d > axis ? d - 1 : d];
    TN_TRY(tn_run_alloc(r, 0, first->dtype, rank, dims));
    int64_t outer = tn_op_product(dims, 0, axis), inner = tn_op_product(dims, axis + 1, rank), at = 0;
    tn_ticks ticks = { 0 };
    for (size_t i = 0; i < n; i++) {
        int64_t len = (fresh ? 1 : items[i].tensor.dims[axis]) * inner;
        for (int64_t o = 0; o < outer; o++) {
            if (tn_ticks_stopped(&ticks, 16 + (uint64_t)len)) return tn_op_stopped(r);
            tn_op_copy_elements(tn_out(r, 0), o * total * inner + at, &items[i].tensor, o * len, len);
        }
        at += len;
    }
    return tn_op_own_strings(tn_out(r, 0));
}

static tn_status optional_run(tn_run *r) {
    tn_datum none = { 0 };
    return tn_run_share(r, 0, tn_run_has(r, 0) ? r->in[0] : &none);
}

static tn_status has_run(tn_run *r) {
    TN_TRY(tn_run_alloc(r, 0, TN_BOOL, 0, NULL));
    *(uint8_t *)tn_out(r, 0)->data = tn_run_has(r, 0) && r->in[0]->kind != TN_KIND_NONE;
    return TN_OK;
}

static tn_status get_run(tn_run *r) {
    if (!tn_run_has(r, 0) || r->in[0]->kind == TN_KIND_NONE)
        return tn_op_fail(r->node, TN_E_INVALID, "the optional is empty");
    return tn_run_share(r, 0, r->in[0]);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define INT \
    { "position", TN_INDEX, 0 }
#define INT_OPT \
    { "position", TN_INDEX, 0, .optional = true }
static const tn_port none_in[] = { { 0 } };
static const tn_port any_one[] = { { "input", 0, 0 }, { 0 } };
static const tn_port any_opt[] = { { "input", 0, 0, .optional = true }, { 0 } };
static const tn_port many_in[] = { { "inputs", TN_ANY_TYPE, 'T', .variadic = true }, { 0 } };
static const tn_port at_in[] = { { "input_sequence", 0, 0 }, INT, { 0 } };
static const tn_port erase_in[] = { { "input_sequence", 0, 0 }, INT_OPT, { 0 } };
static const tn_port insert_in[] = { { "input_sequence", 0, 0 }, { "tensor", TN_ANY_TYPE, 0 }, INT_OPT, { 0 } };
static const tn_port split_in[] = { { "input", TN_ANY_TYPE, 0 }, { "split", TN_INDEX, 0, .optional = true }, { 0 } };
static const tn_attr_spec dtype_attrs[] = { { TN_DTYPE(empty, dtype, TN_F32) }, { 0 } };
static const tn_attr_spec split_attrs[] = { { TN_INT(cutting, axis, 0) }, { TN_FLAG(cutting, keepdims, true) }, { 0 } };
static const tn_attr_spec join_attrs[] = { { TN_INT(joining, axis, 0), .required = true },
                                           { TN_FLAG(joining, new_axis, false) },
                                           { 0 } };
static const tn_attr_spec type_attrs[] = { { TN_STORED(maybe, type, "type", TYPE, ATTR, const tn_attr *) }, { 0 } };

#define ROW(name_, since_, in_, out_, attrs_, check_, infer_, run_, grad_, doc_)                                 \
    {                                                                                                            \
        .name = name_, .since = since_, .flags = TN_OP_DYNAMIC, .in = in_, .out = out_, attrs_, .infer = infer_, \
        .check = check_, .run = run_, .grad = grad_, .doc = doc_                                                 \
    }
#define NO_ATTRS     .attrs = NULL
#define OF(specs, T) TN_ATTRS(specs, T)
const tn_op tn_ops_sequence[] = {
    ROW("SequenceConstruct", 11, many_in, any_one, NO_ATTRS, construct_check, construct_infer, construct_run,
        tn_grad_sequence_construct, "a sequence of the inputs"),
    ROW("SequenceEmpty", 11, none_in, any_one, OF(dtype_attrs, empty), NULL, empty_infer, empty_run, tn_grad_none,
        "an empty sequence"),
    ROW("SequenceInsert", 11, insert_in, any_one, NO_ATTRS, insert_check, insert_infer, insert_run,
        tn_grad_sequence_insert, "a sequence with one more item"),
    ROW("SequenceErase", 11, erase_in, any_one, NO_ATTRS, sequence_check, erase_infer, erase_run,
        tn_grad_sequence_erase, "a sequence with one item less"),
    ROW("SequenceAt", 11, at_in, any_one, NO_ATTRS, sequence_check, at_infer, at_run, tn_grad_sequence_at,
        "the item at a position"),
    ROW("SequenceLength", 11, any_one, tn_ports_i64, NO_ATTRS, sequence_check, length_infer, length_run, tn_grad_none,
        "how many items a sequence has"),
    ROW("SplitToSequence", 24, split_in, any_one, OF(split_attrs, cutting), NULL, split_infer, split_run,
        tn_grad_sequence_split, "a tensor's parts as a sequence"),
    ROW("ConcatFromSequence", 11, any_one, tn_ports_any_free, OF(join_attrs, joining), sequence_check, join_infer,
        join_run, tn_grad_sequence_concat, "a sequence's tensors joined or stacked along an axis"),
    ROW("Optional", 15, any_opt, any_one, OF(type_attrs, maybe), NULL, optional_infer, optional_run, tn_grad_optional,
        "an optional that holds the input, or nothing"),
    ROW("OptionalHasElement", 18, any_opt, tn_ports_bool, NO_ATTRS, NULL, has_infer, has_run, tn_grad_none,
        "whether an optional holds something"),
    ROW("OptionalGetElement", 18, any_one, any_one, NO_ATTRS, NULL, get_infer, get_run, tn_grad_optional_get,
        "what an optional holds"),
    { 0 },
};
