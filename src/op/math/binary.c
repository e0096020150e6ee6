/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* binary.c - pointwise operators of two or more tensors, with NumPy broadcasting: arithmetic, comparison, logic, bits.
 * The loops are kernel/broadcast.h; rows only say which. */
#include "kernel/broadcast.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include "op/math/pointwise.h"
#include <string.h>

static tn_operand operand(const tn_tensor *t) { return (tn_operand){ t->data, t->rank, t->dims }; }

static tn_status arith(tn_run *r, tn_arith op) {
    const tn_tensor *a = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    tn_operand oa = operand(a), ob = operand(tn_in(r, 1));
    tn_status st = tn_arith_run(op, a->dtype, &oa, &ob, y->rank, y->dims, y->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

static tn_status arith_run(tn_run *r) { return arith(r, (tn_arith)r->node->op->arg); }

/* Mod: the sign of the divisor for integers (as in Python), of the dividend with fmod = 1. */
typedef struct {
    bool fmod;
} modulo;

static tn_status mod_run(tn_run *r) { return arith(r, ((const modulo *)r->attrs)->fmod ? TN_A_FMOD : TN_A_MOD); }

typedef struct {
    int direction; /* 0: LEFT */
} shift;

static tn_status shift_run(tn_run *r) {
    return arith(r, ((const shift *)r->attrs)->direction == 0 ? TN_A_SHL : TN_A_SHR);
}

static tn_status pow_run(tn_run *r) {
    const tn_tensor *a = tn_in(r, 0), *b = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    tn_operand oa = operand(a), ob = operand(b);
    tn_status st = tn_pow_run(a->dtype, &oa, b->dtype, &ob, y->rank, y->dims, y->data, r->pool);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

/* Equal of strings has no kernel: element by element. */
static tn_status equal_run(tn_run *r) {
    const tn_tensor *a = tn_in(r, 0), *b = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    if (a->dtype != TN_STRING) return arith(r, TN_A_EQ);
    const tn_string *sa = a->data, *sb = b->data;
    uint8_t *out = y->data;
    for (int64_t i = 0; i < tn_count(y); i++) {
        int64_t at[2] = { 0, 0 }, stride[2] = { 1, 1 }, rest = i;
        for (int d = y->rank - 1; d >= 0; d--) {
            int64_t k = rest % y->dims[d];
            rest /= y->dims[d];
            for (int t = 0; t < 2; t++) {
                const tn_tensor *x = t ? b : a;
                int own = d - (y->rank - x->rank);
                if (own < 0) continue;
                if (x->dims[own] > 1) at[t] += k * stride[t];
                stride[t] *= x->dims[own];
            }
        }
        const tn_string *u = &sa[at[0]], *v = &sb[at[1]];
        out[i] = u->len == v->len && (u->len == 0 || !memcmp(u->ptr, v->ptr, u->len));
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------- any number of operands */

enum { VARIADIC_SUM = 1000, VARIADIC_MEAN }; /* .arg beyond tn_arith */

static tn_arith variadic_op(int arg) { return arg >= VARIADIC_SUM ? TN_A_ADD : (tn_arith)arg; }

/* x in float32 elements of the node's scratch, when its type is a narrower one. */
static tn_status widened(tn_run *r, const tn_tensor *x, tn_dtype work, tn_operand *out) {
    *out = operand(x);
    if (x->dtype == work) return TN_OK;
    float *wide = tn_run_scratch(r, (size_t)tn_count(x) * sizeof *wide);
    if (!wide) return tn_fail(TN_E_NOMEM, "no memory for its sums");
    out->data = wide;
    return tn_convert(x->dtype, x->data, work, wide, tn_count(x), false, TN_ROUND_NEAREST);
}

/* Folds the inputs into `acc`, of type `work` and the result's shape, one by one. */
static tn_status fold(tn_run *r, tn_dtype work, void *acc) {
    const tn_tensor *y = tn_out(r, 0);
    tn_arith op = variadic_op(r->node->op->arg);
    tn_operand sum, next, whole = { acc, y->rank, y->dims };
    TN_TRY(widened(r, tn_in(r, 0), work, &sum));
    for (int i = 1; i < r->n_in; i++) {
        TN_TRY(widened(r, tn_in(r, i), work, &next));
        TN_TRY(tn_arith_run(op, work, &sum, &next, y->rank, y->dims, acc, r->pool));
        sum = whole;
    }
    if (r->node->op->arg != VARIADIC_MEAN) return TN_OK;
    union {
        double d;
        uint64_t u;
    } n = { 0 };
    tn_set_f64(work, &n, 0, r->n_in);
    tn_operand count = { &n, 0, NULL };
    return tn_arith_run(TN_A_DIV, work, &whole, &count, y->rank, y->dims, acc, r->pool);
}

static bool in_float32(const tn_op *op, tn_dtype t) {
    return (t == TN_F16 || t == TN_BF16) && variadic_op(op->arg) == TN_A_ADD;
}

static tn_status variadic_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    if (t->n_in < 2 || !in_float32(t->node->op, tn_infer_dtype(t, 0)) || !tn_type_static(&t->out[0])) return TN_OK;
    size_t room = tn_room((size_t)tn_dims_count(t->out[0].rank, t->out[0].dims) * sizeof(float));
    for (int i = 0; i < t->n_in; i++) {
        if (!t->in[i] || !tn_type_static(t->in[i])) return TN_OK;
        room += tn_room((size_t)tn_dims_count(t->in[i]->rank, t->in[i]->dims) * sizeof(float));
    }
    p->room = room;
    return TN_OK;
}

/* Sums and means of 16-bit floats are formed in float32 and rounded once: the mean of two large numbers is no infinity.
 */
static tn_status variadic_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    bool wide = in_float32(r->node->op, y->dtype);
    tn_status st = TN_OK;
    if (r->n_in == 1) {
        if (y->data != tn_in(r, 0)->data) tn_op_copy_elements(y, 0, tn_in(r, 0), 0, tn_count(y));
    } else if (wide) {
        float *sum = tn_run_scratch(r, (size_t)tn_count(y) * sizeof *sum);
        st = sum ? fold(r, TN_F32, sum) : tn_fail(TN_E_NOMEM, "no memory for its sums");
        if (st == TN_OK) st = tn_convert(TN_F32, sum, y->dtype, y->data, tn_count(y), false, TN_ROUND_NEAREST);
    } else {
        st = fold(r, y->dtype, y->data);
    }
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(r->node));
}

int tn_op_arith_of(const tn_node *n) {
    if (!n->op || n->n_inputs != 2 || !n->inputs[0] || !n->inputs[1]) return -1;
    if (n->op->run == arith_run || n->op->run == equal_run) return n->op->arg;
    if (n->op->run == pow_run) return TN_A_POW;
    if (n->op->run == mod_run) return tn_attr_int(n, "fmod", 0) ? TN_A_FMOD : TN_A_MOD;
    return n->op->run == variadic_run && n->op->arg != VARIADIC_MEAN ? (int)variadic_op(n->op->arg) : -1;
}

/* PRelu: the slope broadcasts one way only. */
static tn_status prelu_infer(tn_infer *c) {
    if (tn_infer_rank(c, 0) >= 0 && tn_infer_rank(c, 1) > tn_infer_rank(c, 0))
        return tn_infer_fail(c, TN_E_SHAPE, "slope has more dimensions than X");
    return tn_infer_elementwise(c);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define EQUAL_TYPES (TN_REAL | TN_BOOLS | tn_dtype_bit(TN_STRING))
static const tn_port bool_x2[] = { { "A", TN_BOOLS, 'T' }, { "B", TN_BOOLS, 'T' }, { 0 } };
static const tn_port equal_in[] = { { "A", EQUAL_TYPES, 'T' }, { "B", EQUAL_TYPES, 'T' }, { 0 } };
static const tn_port ints_x2[] = { { "A", TN_INTS, 'T' }, { "B", TN_INTS, 'T' }, { 0 } };
static const tn_port ints_t[] = { { "Y", TN_INTS, 'T' }, { 0 } };
static const tn_port unsigned_x2[] = { { "X", TN_UNSIGNED_INTS, 'T' }, { "Y", TN_UNSIGNED_INTS, 'T' }, { 0 } };
static const tn_port pow_in[] = { { "X", TN_REAL, 'T' }, { "Y", TN_REAL, 0 }, { 0 } };
static const tn_attr_spec mod_attrs[] = { { TN_FLAG(modulo, fmod, false) }, { 0 } };
static const tn_attr_spec shift_attrs[] = { { TN_WORD(shift, direction, "LEFT|RIGHT", NULL), .required = true },
                                            { 0 } };

#define POINT (TN_OP_POINTWISE | TN_OP_INPLACE)
#define ROW_OF(grad_, prepare_, name_, since_, in_, out_, infer_, run_, arg_, doc_)                           \
    {                                                                                                         \
        .name = name_, .since = since_, .flags = POINT, .in = in_, .out = out_, .infer = infer_, .run = run_, \
        .prepare = prepare_, .fit = prepare_, .grad = grad_, .arg = arg_, .doc = doc_                         \
    }
#define ROW(...)  ROW_OF(tn_grad_binary, NULL, __VA_ARGS__)
#define MANY(...) ROW_OF(tn_grad_binary, variadic_prepare, __VA_ARGS__)
#define TEST(...) ROW_OF(tn_grad_none, NULL, __VA_ARGS__) /* bools and bits have no gradient */
const tn_op tn_ops_binary[] = {
    ROW("Add", 14, tn_ports_real_x2, tn_ports_real_t, tn_infer_elementwise, arith_run, TN_A_ADD, "A + B"),
    ROW("Sub", 14, tn_ports_real_x2, tn_ports_real_t, tn_infer_elementwise, arith_run, TN_A_SUB, "A - B"),
    ROW("Mul", 14, tn_ports_real_x2, tn_ports_real_t, tn_infer_elementwise, arith_run, TN_A_MUL, "A B"),
    ROW("Div", 14, tn_ports_real_x2, tn_ports_real_t, tn_infer_elementwise, arith_run, TN_A_DIV,
        "A / B; integers are truncated"),
    ROW("PRelu", 16, tn_ports_real_x2, tn_ports_real_t, prelu_infer, arith_run, TN_A_PRELU, "x < 0 ? slope x : x"),
    ROW("Pow", 15, pow_in, tn_ports_real_t, tn_infer_elementwise, pow_run, 0, "X to the power Y"),
    MANY("Max", 13, tn_ports_real_many, tn_ports_real_t, tn_infer_elementwise, variadic_run, TN_A_MAX, "the largest"),
    MANY("Min", 13, tn_ports_real_many, tn_ports_real_t, tn_infer_elementwise, variadic_run, TN_A_MIN, "the smallest"),
    MANY("Sum", 13, tn_ports_real_many, tn_ports_real_t, tn_infer_elementwise, variadic_run, VARIADIC_SUM, "the sum"),
    MANY("Mean", 13, tn_ports_real_many, tn_ports_real_t, tn_infer_elementwise, variadic_run, VARIADIC_MEAN,
         "the mean"),
    TEST("Equal", 19, equal_in, tn_ports_bool, tn_infer_compare, equal_run, TN_A_EQ, "A = B"),
    TEST("Less", 13, tn_ports_real_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_LT, "A < B"),
    TEST("LessOrEqual", 16, tn_ports_real_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_LE, "A <= B"),
    TEST("Greater", 13, tn_ports_real_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_GT, "A > B"),
    TEST("GreaterOrEqual", 16, tn_ports_real_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_GE, "A >= B"),
    TEST("And", 7, bool_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_AND, "both"),
    TEST("Or", 7, bool_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_OR, "either"),
    TEST("Xor", 7, bool_x2, tn_ports_bool, tn_infer_compare, arith_run, TN_A_XOR, "exactly one"),
    TEST("BitwiseAnd", 18, ints_x2, ints_t, tn_infer_elementwise, arith_run, TN_A_BIT_AND, "bits set in both"),
    TEST("BitwiseOr", 18, ints_x2, ints_t, tn_infer_elementwise, arith_run, TN_A_BIT_OR, "bits set in either"),
    TEST("BitwiseXor", 18, ints_x2, ints_t, tn_infer_elementwise, arith_run, TN_A_BIT_XOR, "bits set in exactly one"),
    { .name = "Mod",
      .since = 13,
      .flags = POINT,
      .in = tn_ports_real_x2,
      .out = tn_ports_real_t,
      TN_ATTRS(mod_attrs, modulo),
      .infer = tn_infer_elementwise,
      .run = mod_run,
      .grad = tn_grad_binary,
      .doc = "the remainder, with the sign of B, or of A with fmod" },
    { .name = "BitShift",
      .since = 11,
      .flags = POINT,
      .in = unsigned_x2,
      .out = ints_t,
      TN_ATTRS(shift_attrs, shift),
      .infer = tn_infer_elementwise,
      .run = shift_run,
      .grad = tn_grad_none,
      .doc = "bits moved left or right" },
    { 0 },
};
