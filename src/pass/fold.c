/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fold.c - constant folding: operators whose inputs are constants run now; contents that inference knows (Shape of a
 * static shape and what follows from it) become constants. */
#include "op/core/exec.h"
#include "pass/util.h"
#include <string.h>

/* A result may be larger than what it was made from only up to this: Expand, Tile and dequantised weights stay as they
 * are. */
#define FREE_BYTES ((size_t)1 << 20)
#define FREE_GROWN ((size_t)256 << 20) /* all results together, beyond what they were made from */
/* A node's work, in units of base/budget.h: little, or what is in proportion to its constants (a product of two 1024 x
 * 1024 matrices is). */
#define FREE_WORK(in_bytes) ((UINT64_C(1) << 26) + 256 * (uint64_t)(in_bytes))

static bool foldable(const tn_node *n, size_t *in_bytes) {
    *in_bytes = 0;
    /* Codes are what the pass quantise looks for; it dequantises what is left. */
    if (!strcmp(n->type, "DequantizeLinear") && n->n_inputs && n->inputs[0] && n->inputs[0]->constant &&
        tn_count(n->inputs[0]->constant) > 1)
        return false;
    if (!n->op || n->op->flags & (TN_OP_RANDOM | TN_OP_SUBGRAPH | TN_OP_SIDE_EFFECT | TN_OP_INTERNAL)) return false;
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_value *v = n->inputs[i];
        if (!v) continue;
        if (!v->constant) return false;
        *in_bytes += tn_tensor_bytes(v->constant);
    }
    for (int i = 0; i < n->n_outputs; i++) {
        const tn_type *t = n->outputs[i] ? &n->outputs[i]->type : NULL;
        size_t bytes;
        if (!t) continue;
        if (t->kind != TN_KIND_TENSOR) return false;
        if (!tn_type_static(t)) continue; /* data-dependent: no larger than its inputs, as a rule; checked below */
        if (!tn_dtype_bytes(t->dtype, tn_dims_count(t->rank, t->dims), &bytes)) return false;
        if (bytes > FREE_BYTES && bytes > *in_bytes) return false;
    }
    return true;
}

static tn_status become_constant(tn_value *v, tn_tensor *t) {
    tn_value *k = tn_value_constant(v->graph, v->name, t);
    if (!k) return tn_fail(TN_E_NOMEM, "no memory for the constant '%s'", v->name);
    return tn_value_replace(v, k);
}

static tn_status evaluate(tn_node *n, size_t in_bytes, tn_pass_ctx *c) {
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_status st = TN_OK;
    tn_datum *in = a ? tn_arena_array(a, tn_datum, (size_t)n->n_inputs + 1) : NULL;
    tn_datum **ptr = a ? tn_arena_array(a, tn_datum *, (size_t)n->n_inputs + 1) : NULL;
    tn_datum *out = a ? tn_arena_array(a, tn_datum, (size_t)n->n_outputs + 1) : NULL;
    if (!in || !ptr || !out) {
        st = tn_fail(TN_E_NOMEM, "no memory to fold %s", tn_node_where(n));
        goto done;
    }
    for (int i = 0; i < n->n_inputs && st == TN_OK; i++) {
        if (!n->inputs[i]) continue;
        in[i].kind = TN_KIND_TENSOR;
        tn_tensor_share(&in[i].tensor, n->inputs[i]->constant);
        if (!(n->op->flags & TN_OP_ALIAS)) st = tn_tensor_align(&in[i].tensor);
        ptr[i] = &in[i];
    }
    if (st != TN_OK) goto done;
    bool good = tn_eval_node_within(n, ptr, c->pool, FREE_WORK(in_bytes), out) == TN_OK;
    size_t bytes = 0;
    for (int i = 0; i < n->n_outputs; i++) {
        if (!n->outputs[i]) continue;
        good = good && out[i].kind == TN_KIND_TENSOR;
        if (good) bytes += tn_tensor_bytes(&out[i].tensor);
    }
    size_t grown = bytes > in_bytes ? bytes - in_bytes : 0;
    if (!good || (bytes > FREE_BYTES && grown) ||
        c->grown + grown > FREE_GROWN) { /* let the run say what is wrong, if it is ever reached */
        tn_error_clear();
        goto done;
    }
    c->grown += grown;
    for (int i = 0; i < n->n_outputs && st == TN_OK; i++)
        if (n->outputs[i] && n->outputs[i]->n_uses) st = become_constant(n->outputs[i], &out[i].tensor);
    if (st == TN_OK && tn_pass_remove_unused(n)) c->changed++;
done:
    for (int i = 0; in && i < n->n_inputs; i++) tn_datum_reset(&in[i]);
    for (int i = 0; out && i < n->n_outputs; i++) tn_datum_reset(&out[i]);
    tn_arena_free(&a);
    return st;
}

/* A tensor from contents that are all numbers; false when they are not. */
static bool from_content(const tn_value *v, tn_tensor *t) {
    const tn_content *k = v->content;
    const tn_type *type = &v->type;
    if (!k || !tn_type_static(type) || type->rank > 1 || !(tn_dtype_is_int(type->dtype) || type->dtype == TN_BOOL))
        return false;
    if (tn_dtypes[type->dtype].block != 1 || (type->rank ? type->dims[0] : 1) != k->n) return false;
    for (int i = 0; i < k->n; i++)
        if (!tn_dim_known(k->v[i])) return false;
    if (tn_tensor_init(t, type->dtype, type->rank, type->dims, TN_MEM_WEIGHTS) != TN_OK) return false;
    for (int i = 0; i < k->n; i++) tn_set_i64(type->dtype, t->data, i, k->v[i]);
    return true;
}

static tn_status fold_contents(tn_node *n, tn_pass_ctx *c) {
    if (n->op->flags & (TN_OP_RANDOM | TN_OP_SIDE_EFFECT)) return TN_OK;
    for (int i = 0; i < n->n_outputs; i++) {
        tn_value *v = n->outputs[i];
        tn_tensor t;
        if (!v || !v->n_uses || !from_content(v, &t)) continue;
        tn_status st = become_constant(v, &t);
        tn_tensor_reset(&t);
        if (st != TN_OK) return st;
        c->changed++;
    }
    tn_pass_remove_unused(n);
    return TN_OK;
}

static tn_status fold_graph(tn_graph *g, tn_pass_ctx *c) {
    tn_graph_each(g, n) {
        size_t bytes;
        if (foldable(n, &bytes))
            TN_TRY(evaluate(n, bytes, c));
        else if (n->op)
            TN_TRY(fold_contents(n, c));
    }
    return TN_OK;
}

tn_status tn_pass_fold(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, fold_graph, c); }
