/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* narrow_weights.c - what tn_session_opts.precision asks for: its words, which node they mean, and the pass that tells
 * products and convolutions of float32 to keep their packed weights in 16 bits. The constants themselves stay as they
 * are: packing reads them once, and pages of the file that nobody reads any more are given back. */
#include "base/glob.h"
#include "pass/precision.h"
#include "pass/util.h"
#include <string.h>

enum { SMALL = 1024 }; /* weights of fewer elements are not worth a rounding */

static const struct {
    const char *word;
    tn_dtype weights;
} precisions[] = {
#define X(id, word, weights) { word, weights },
    TN_PRECISIONS(X)
#undef X
};

/* ----------------------------------------------------------------------------------------------------------- words */

/* One of the words between commas: a precision, and the pattern behind the colon (n 0: none). */
typedef struct {
    const char *word, *pattern;
    size_t n_word, n;
} wish;

static const char *next_wish(const char *p, wish *w) {
    size_t n = strcspn(p, ","), colon = strcspn(p, ":");
    *w = (wish){ .word = p, .n_word = colon < n ? colon : n };
    if (colon < n) w->pattern = p + colon + 1, w->n = n - colon - 1;
    return p + n + (p[n] == ',');
}

static int precision_of(const wish *w) {
    for (size_t i = 0; i < TN_COUNT(precisions); i++)
        if (strlen(precisions[i].word) == w->n_word && !memcmp(precisions[i].word, w->word, w->n_word)) return (int)i;
    return -1;
}

tn_status tn_precision_check(const char *words) {
    wish w;
    for (const char *p = words; p && *p;) {
        p = next_wish(p, &w);
        if (precision_of(&w) < 0)
            return tn_fail(TN_E_INVALID,
                           "'%.*s' is no precision; there are f32, bf16, f16, mixed and file, alone or for some nodes "
                           "(f32:/encoder/*)",
                           (int)(w.n_word < 40 ? w.n_word : 40), w.word);
        if (w.pattern && !w.n)
            return tn_fail(TN_E_INVALID, "no pattern of node names stands behind '%.*s:'", (int)w.n_word, w.word);
    }
    return TN_OK;
}

tn_precision tn_precision_of(const char *words, const char *name) {
    tn_precision found = TN_PRECISION_FILE;
    wish w;
    for (const char *p = words; p && *p;) {
        p = next_wish(p, &w);
        int k = precision_of(&w);
        if (k >= 0 && (!w.pattern || tn_glob(w.pattern, w.pattern + w.n, name))) found = (tn_precision)k;
    }
    return found;
}

/* ------------------------------------------------------------------------------------------------------------ nodes */

static bool is_product(const tn_node *n) {
    return tn_pass_is_op(n, "", "Conv") || tn_pass_is_op(n, "", "MatMul") || tn_pass_is_op(n, "", "Gemm") ||
           tn_pass_is_op(n, "tenon", "Conv") || tn_pass_is_op(n, "tenon", "MatMul");
}

/* The constant that is packed: of a convolution, or a matrix. */
static const tn_tensor *weights_of(const tn_node *n) {
    const tn_tensor *w = is_product(n) && n->n_inputs > 1 && n->inputs[1] ? n->inputs[1]->constant : NULL;
    const tn_value *x = n->n_inputs ? n->inputs[0] : NULL;
    if (!w || !x || x->constant || w->rank < 2 || tn_count(w) < SMALL) return NULL;
    if (!strcmp(n->type, "Conv")) return w;
    for (int d = 0; d + 2 < w->rank; d++)
        if (w->dims[d] != 1) return NULL;
    return w;
}

tn_dtype tn_precision_weights(const char *words, const tn_node *n, bool last) {
    const tn_tensor *w = weights_of(n);
    if (!w || (w->dtype != TN_F32 && w->dtype != TN_F16 && w->dtype != TN_BF16)) return TN_NONE;
    tn_precision p = tn_precision_of(words, n->name);
    if (w->dtype != TN_F32) return p == TN_PRECISION_F32 ? TN_F32 : w->dtype;
    if (precisions[p].weights == TN_NONE || (p == TN_PRECISION_MIXED && last)) return TN_F32;
    return precisions[p].weights;
}

/* Marks the first products met on the way back from v. Nodes on the way get mark 2, and are not walked again. */
static void mark_from(tn_graph *g, const tn_value *v) {
    tn_node *n = v ? v->producer : NULL;
    if (!n || n->graph != g || n->mark) return;
    n->mark = is_product(n) ? 1 : 2;
}

void tn_precision_mark_last(tn_graph *g) {
    for (tn_node *n = g->first; n; n = n->next) n->mark = 0;
    for (int i = 0; i < g->n_outputs; i++) mark_from(g, g->outputs[i]);
    for (tn_node *n = g->last; n; n = n->prev) /* users come behind what they use */
        for (int i = 0; i < n->n_inputs && n->mark == 2; i++) mark_from(g, n->inputs[i]);
    for (tn_node *n = g->first; n; n = n->next) n->mark = n->mark == 1;
}

/* ------------------------------------------------------------------------------------------------------------- pass */

/* n as the internal operator that keeps weights: itself, or a new one in its place. */
static tn_node *internal_form(tn_node *n) {
    tn_value *in[4];
    if (tn_pass_is_op(n, "tenon", n->type)) return n;
    for (int i = 0; i < n->n_inputs; i++) in[i] = n->inputs[i];
    tn_node *b = tn_node_new(n->graph, n, "tenon", strcmp(n->type, "Conv") ? "MatMul" : "Conv", in, n->n_inputs, 1);
    for (int i = 0; b && i < n->n_attrs; i++)
        if (tn_attr_set(b, &n->attrs[i]) != TN_OK) return NULL;
    if (!b || tn_value_replace(n->outputs[0], b->outputs[0]) != TN_OK) return NULL;
    b->outputs[0]->type = n->outputs[0]->type;
    b->name = n->name;
    tn_pass_remove_unused(n);
    return b;
}

static tn_status narrow_graph(tn_graph *g, tn_pass_ctx *c) {
    if (!c->precision || !*c->precision) return TN_OK;
    tn_precision_mark_last(g);
    tn_graph_each(g, n) {
        tn_dtype t = tn_precision_weights(c->precision, n, n->mark == 1);
        if (t == TN_NONE || t == TN_F32 || n->inputs[1]->constant->dtype != TN_F32) continue;
        if (n->inputs[0]->type.kind != TN_KIND_TENSOR || n->inputs[0]->type.dtype != TN_F32) continue;
        tn_node *b = internal_form(n);
        if (!b || tn_attr_set_int(b, "weights", tn_dtypes[t].onnx) != TN_OK)
            return tn_fail(TN_E_NOMEM, "no memory to change the precision of %s", tn_node_where(b ? b : n));
        c->changed++;
    }
    return TN_OK;
}

tn_status tn_pass_narrow_weights(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, narrow_graph, c); }
