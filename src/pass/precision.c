/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* precision.c - regions of float16 and bfloat16 nodes are computed in float32.
 *
 * Kernels are written for float32; in a model of 16-bit floats every one of them would convert its operands before and
 * its result behind. So an operator that computes becomes one of float32, and what it made stays float32 for those that
 * follow: Cast stands where a region is entered (once per value) and where its 16-bit value is wanted. Operators that
 * only move data follow where their data are float32 already, and move 16 bits otherwise. What tells numbers apart that
 * rounding would make one sees rounded ones: TopK, ArgMax and the like in float32, comparisons, Floor, Cast and all
 * that is not in the table as the file has it; and so does the model's output. docs/precision.md says what that means
 * for results.
 *
 * What converts a piece at a time in cache - pooling, and softmax and sums of short rows - stays in 16 bits where no
 * neighbour is computed in float32: casts around it would be two more walks through memory.
 *
 * Constant weights of products keep their 16 bits (tenon.Conv, tenon.MatMul); smaller constants become float32. */
#include "pass/precision.h"
#include "op/core/support.h"
#include "pass/util.h"
#include <string.h>

/* LOOKS: it tells numbers apart that rounding would make one, so it is given the rounded ones, as float32. */
typedef enum { NEITHER, COMPUTES, MOVES, ATTENDS, LOOKS } role;

#define OF_ONNX(X)                                                                                                     \
    X(COMPUTES, "Conv ConvTranspose MatMul Gemm Einsum DeformConv Col2Im LSTM GRU RNN")                                \
    X(COMPUTES, "Softmax LogSoftmax LayerNormalization RMSNormalization")                                              \
    X(COMPUTES, "GroupNormalization InstanceNormalization BatchNormalization MeanVarianceNormalization")               \
    X(COMPUTES, "LpNormalization LRN AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool")         \
    X(COMPUTES, "Resize GridSample RoiAlign AffineGrid CumSum CumProd RotaryEmbedding")                                \
    X(COMPUTES, "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum")  \
    X(COMPUTES, "ReduceSumSquare Abs Acos Acosh Add Asin Asinh Atan Atanh Celu Clip Cos Cosh Div Elu Erf Exp Gelu")    \
    X(COMPUTES, "HardSigmoid HardSwish LeakyRelu Log Max Mean Min Mish Mul Neg PRelu Pow Reciprocal Relu Selu Shrink") \
    X(COMPUTES, "Sigmoid Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu")                      \
    X(MOVES, "Reshape Transpose Flatten Squeeze Unsqueeze Identity Concat Split Slice Gather GatherElements GatherND") \
    X(MOVES, "Expand Tile Pad DepthToSpace SpaceToDepth Where Trilu ReverseSequence")                                  \
    X(LOOKS, "ArgMax ArgMin TopK Hardmax IsNaN IsInf")                                                                 \
    X(ATTENDS, "Attention")
#define OF_MICROSOFT(X)                        \
    X(COMPUTES, "FusedMatMul RotaryEmbedding") \
    X(ATTENDS, "MultiHeadAttention")

static const struct {
    const char *domain;
    role role;
    const char *types; /* separated by blanks */
} table[] = {
#define X(role, types) { "", role, types },
    OF_ONNX(X)
#undef X
#define X(role, types) { "com.microsoft", role, types },
        OF_MICROSOFT(X)
#undef X
};

const char *tn_precision_listed(size_t i, const char **domain) {
    *domain = i < TN_COUNT(table) ? table[i].domain : NULL;
    return i < TN_COUNT(table) ? table[i].types : NULL;
}

static bool listed(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ')
        if (!strncmp(p, word, n) && (p[n] == ' ' || !p[n])) return true;
    return false;
}

static role role_of(const tn_node *n) {
    const char *domain = n->domain && strcmp(n->domain, "ai.onnx") != 0 ? n->domain : "";
    for (size_t i = 0; i < TN_COUNT(table); i++)
        if (!strcmp(table[i].domain, domain) && listed(table[i].types, n->type)) return table[i].role;
    return NEITHER;
}

typedef struct {
    tn_graph *g;
    tn_value **twin; /* by value id: its float32 form; NULL where there is none */
    bool *native;    /* by value id: the twin was computed, not cast */
    int n_values;
    tn_pass_ctx *ctx;
} region;

static bool is_narrow(const tn_value *v) {
    return v && v->type.kind == TN_KIND_TENSOR && (v->type.dtype == TN_F16 || v->type.dtype == TN_BF16);
}

static bool is_native(const region *r, const tn_value *v) { return v->id < r->n_values && r->native[v->id]; }

static tn_status no_memory(const tn_node *n) {
    return tn_fail(TN_E_NOMEM, "no memory to change the precision of %s", tn_node_where(n));
}

static tn_value *cast(tn_graph *g, tn_node *before, tn_value *v, tn_dtype to) {
    tn_node *c = tn_node_new(g, before, "", "Cast", &v, 1, 1);
    if (!c || tn_attr_set_int(c, "to", tn_dtypes[to].onnx) != TN_OK) return NULL;
    c->outputs[0]->type = v->type;
    c->outputs[0]->type.dtype = to;
    return c->outputs[0];
}

static tn_value *widened_constant(tn_graph *g, const tn_value *v) {
    tn_tensor wide = { 0 };
    if (tn_op_widen(v->constant, &wide) != TN_OK) return NULL;
    tn_value *k = tn_value_constant(g, v->name, &wide);
    if (!k) tn_tensor_reset(&wide);
    return k;
}

/* v as float32: its twin, made in front of `before` if it has none. */
static tn_value *twin_of(region *r, tn_value *v, tn_node *before) {
    tn_value *own = NULL, **twin = v->id < r->n_values ? &r->twin[v->id] : &own;
    if (!*twin) *twin = v->constant ? widened_constant(r->g, v) : cast(r->g, before, v, TN_F32);
    return *twin;
}

/* ----------------------------------------------------------------------------------------------- what may join */

/* All types are known, something is narrow, and nothing is float64. */
static bool types_fit(const tn_node *n) {
    bool narrow = false;
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_value *v = n->inputs[i];
        if (!v) continue;
        if (v->type.kind != TN_KIND_TENSOR || v->type.dtype == TN_NONE || v->type.dtype == TN_F64) return false;
        narrow = narrow || is_narrow(v);
    }
    return narrow;
}

/* Do all of its 16-bit inputs exist as float32, but for constants? */
static bool follows(const region *r, const tn_node *n) {
    bool some = false;
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_value *v = n->inputs[i];
        if (!is_narrow(v) || v->constant) continue;
        if (!is_native(r, v)) return false;
        some = true;
    }
    return some;
}

/* Attention that keeps the keys and values of steps before would cast all of them in every step. */
static bool without_past(const tn_node *n) {
    for (int i = 1; i < n->n_outputs; i++)
        if (n->outputs[i]) return false;
    return true;
}

/* Whose kernels convert a piece at a time: poolings, and what walks rows of at most SHORT elements. */
#define POOLINGS "AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool"
#define ALONG_ROWS                                                                                                \
    "Softmax LogSoftmax ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum " \
    "ReduceSumSquare"
enum { SHORT = 8192 };

/* The axis of a softmax, or the only one of a reduction, is the last. */
static bool along_last(const tn_node *n, int rank) {
    const tn_tensor *axes = n->n_inputs > 1 && n->inputs[1] ? n->inputs[1]->constant : NULL;
    int64_t axis = tn_attr_int(n, "axis", -1);
    if (n->n_inputs > 1)
        axis = axes && tn_count(axes) == 1 ? tn_get_i64(axes->dtype, axes->data, 0) : -2;
    else if (strstr(n->type, "Reduce"))
        return false;
    return axis == -1 || axis == rank - 1;
}

static bool in_pieces(const tn_node *n) {
    const tn_type *x = &n->inputs[0]->type;
    if (listed(POOLINGS, n->type)) return n->n_outputs < 2 || !n->outputs[1];
    if (!listed(ALONG_ROWS, n->type) || (x->dtype != TN_F16 && strstr(n->type, "Reduce"))) return false;
    return x->rank > 0 && tn_dim_known(x->dims[x->rank - 1]) && x->dims[x->rank - 1] <= SHORT && along_last(n, x->rank);
}

/* It converts on its own, and no neighbour is of float32. */
static bool stands_alone(const region *r, const tn_node *n) {
    if (n->n_inputs < 1 || !n->inputs[0] || !in_pieces(n) || is_native(r, n->inputs[0])) return false;
    const tn_value *y = n->outputs[0];
    for (int i = 0; y && i < y->n_uses; i++)
        if (y->uses[i].node && role_of(y->uses[i].node) != NEITHER) return false;
    return true;
}

static bool joins(const region *r, const tn_node *n) {
    if (!n->op || n->n_outputs < 1 || !types_fit(n)) return false;
    switch (role_of(n)) {
    case COMPUTES: return !stands_alone(r, n);
    case LOOKS: return true;
    case MOVES: return follows(r, n);
    case ATTENDS: return without_past(n);
    default: return false;
    }
}

bool tn_precision_widens(const tn_node *n) {
    return n->op && n->n_outputs > 0 && types_fit(n) &&
           (role_of(n) == COMPUTES || role_of(n) == LOOKS || (role_of(n) == ATTENDS && without_past(n)));
}

/* --------------------------------------------------------------------------------------------------------- joining */

/* The product that reads the 16-bit weights (its input 1) as they are; NULL where there is none. */
static const char *keeps_weights(const region *r, const tn_node *n) {
    const tn_tensor *w = n->n_inputs > 1 && is_narrow(n->inputs[1]) ? n->inputs[1]->constant : NULL;
    if (!w || !n->inputs[0] || n->inputs[0]->constant ||
        tn_precision_of(r->ctx->precision, n->name) == TN_PRECISION_F32)
        return NULL;
    if (tn_pass_is_op(n, "", "Conv")) return "Conv";
    if (!tn_pass_is_op(n, "", "MatMul") && !tn_pass_is_op(n, "", "Gemm")) return NULL;
    for (int d = 0; d + 2 < w->rank; d++)
        if (w->dims[d] != 1) return NULL;
    return w->rank >= 2 ? "MatMul" : NULL;
}

/* Input v of n in float32; rounded as v is where n looks closely. */
static tn_value *wide_input(region *r, tn_value *v, tn_node *n) {
    return role_of(n) == LOOKS && is_native(r, v) ? cast(r->g, n, v, TN_F32) : twin_of(r, v, n);
}

static tn_node *wide_node(region *r, tn_node *n) {
    enum { MOST = 256 };
    tn_value *in[MOST];
    const char *product = keeps_weights(r, n);
    if (n->n_inputs > MOST) return NULL;
    for (int i = 0; i < n->n_inputs; i++) {
        in[i] = n->inputs[i];
        if (is_narrow(in[i]) && !(product && i == 1) && !(in[i] = wide_input(r, in[i], n))) return NULL;
    }
    tn_node *b =
        tn_node_new(r->g, n, product ? "tenon" : n->domain, product ? product : n->type, in, n->n_inputs, n->n_outputs);
    for (int i = 0; b && i < n->n_attrs; i++)
        if (tn_attr_set(b, &n->attrs[i]) != TN_OK) return NULL;
    if (b) b->name = n->name;
    return b;
}

static tn_status join(region *r, tn_node *n) {
    tn_node *b = wide_node(r, n);
    if (!b) return n->n_inputs > 256 ? TN_OK : no_memory(n);
    for (int i = 0; i < n->n_outputs; i++) {
        tn_value *y = n->outputs[i];
        if (!y) {
            TN_TRY(tn_node_set_output(b, i, NULL));
            continue;
        }
        b->outputs[i]->type = y->type;
        if (!is_narrow(y)) {
            TN_TRY(tn_value_replace(y, b->outputs[i]));
            continue;
        }
        b->outputs[i]->type.dtype = TN_F32;
        r->twin[y->id] = b->outputs[i];
        r->native[y->id] = true;
    }
    r->ctx->changed++;
    return TN_OK;
}

static bool joined(const region *r, const tn_node *n) {
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] && is_native(r, n->outputs[i])) return true;
    return false;
}

/* Backwards: a node that has a float32 form goes; where its 16-bit value is still wanted, a Cast gives it. */
static tn_status finish(region *r) {
    for (tn_node *n = r->g->last, *before; n; n = before) {
        before = n->prev;
        if (!joined(r, n)) continue;
        for (int i = 0; i < n->n_outputs; i++) {
            tn_value *y = n->outputs[i];
            if (!y || !y->n_uses) continue;
            tn_value *c = cast(r->g, n, r->twin[y->id], y->type.dtype);
            if (!c) return no_memory(n);
            TN_TRY(tn_value_replace(y, c));
        }
        tn_pass_remove_unused(n);
    }
    return TN_OK;
}

static tn_status widen_graph(tn_graph *g, tn_pass_ctx *c) {
    region r = { .g = g, .n_values = g->model->n_values, .ctx = c };
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_status st = TN_OK;
    r.twin = a ? tn_arena_array(a, tn_value *, (size_t)r.n_values + 1) : NULL;
    r.native = a ? tn_arena_array(a, bool, (size_t)r.n_values + 1) : NULL;
    if (!r.twin || !r.native) st = tn_fail(TN_E_NOMEM, "no memory to choose precisions");
    for (tn_node *n = g->first; n && st == TN_OK; n = n->next) /* new nodes come in front of the one that is visited */
        if (joins(&r, n)) st = join(&r, n);
    if (st == TN_OK) st = finish(&r);
    tn_arena_free(&a);
    return st;
}

tn_status tn_pass_precision(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, widen_graph, c); }
