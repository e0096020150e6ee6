/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* agree.c - holds what inference says of a model's outputs against what a run gave. */
#include "analyse/agree.h"
#include "base/mem.h"
#include "op/core/infer.h"

typedef struct {
    tn_syms *syms;
    int64_t *sizes; /* by symbol; TN_DIM_UNKNOWN: not seen yet */
    int n;
} bindings;

static int symbol_index(const bindings *b, tn_dim d) {
    for (int i = 0; i < b->n && tn_dim_symbolic(d); i++)
        if (tn_sym_at(b->syms, i) == d) return i;
    return -1;
}

/* Whether dimension d can be `size`; a symbol seen for the first time takes it. Where a symbol says nothing (b NULL: of
 * the items of a list, which differ in size, and when inputs contradict each other), only numbers are told. */
static bool fits(bindings *b, tn_dim d, int64_t size) {
    if (tn_dim_known(d)) return d == size;
    if (d == TN_DIM_UNKNOWN || !b) return true;
    int64_t v = tn_dim_eval(b->syms, d, b->sizes, b->n);
    if (v != TN_DIM_UNKNOWN) return v == size || !size; /* expressions are of sizes that are not 0: see broadcasting */
    int symbol = symbol_index(b, d);
    if (symbol >= 0) b->sizes[symbol] = size;
    return true;
}

static tn_status contradicts(const tn_value *v, const tn_type *said, const tn_type *is) {
    tn_text a = { 0 }, c = { 0 };
    tn_type_print(v->graph->model->syms, said, &a);
    tn_type_print(NULL, is, &c);
    bool shape = said->kind == is->kind && said->dtype == is->dtype;
    tn_status st = tn_fail(shape ? TN_E_SHAPE : TN_E_TYPE, "output '%s' is %s, but inference said %s", v->name,
                           c.s ? c.s : "?", a.s ? a.s : "?");
    tn_text_free(&a);
    tn_text_free(&c);
    return st;
}

static tn_status check(bindings *b, const tn_value *v, const tn_type *said, const tn_datum *d) {
    tn_type is = tn_type_of(d);
    if (said->kind == TN_KIND_OPTIONAL) /* a full one is simply its content */
        return is.kind == TN_KIND_NONE || !said->elem ? TN_OK : check(b, v, said->elem, d);
    if (said->kind == TN_KIND_NONE) return TN_OK;
    if (said->kind != is.kind) return contradicts(v, said, &is);
    if (said->kind == TN_KIND_SEQUENCE) {
        for (size_t i = 0; said->elem && i < d->list->n; i++) TN_TRY(check(NULL, v, said->elem, &d->list->items[i]));
        return TN_OK;
    }
    if (said->dtype && is.dtype && said->dtype != is.dtype) return contradicts(v, said, &is);
    if (said->kind != TN_KIND_TENSOR || said->rank < 0) return TN_OK;
    if (said->rank != is.rank) return contradicts(v, said, &is);
    for (int k = 0; k < said->rank; k++)
        if (!fits(b, said->dims[k], is.dims[k])) return contradicts(v, said, &is);
    return TN_OK;
}

static void count(const bindings *b, const tn_value *v, const tn_type *said, tn_agreement *counts, tn_text *gaps) {
    tn_agreement none = { 0 };
    if (!counts) counts = &none;
    bool tensor = said->kind == TN_KIND_TENSOR && said->dtype, known = tensor && said->rank >= 0;
    for (int k = 0; known && k < said->rank; k++) known = said->dims[k] != TN_DIM_UNKNOWN;
    if (!tensor && said->kind != TN_KIND_NONE && said->kind != TN_KIND_TENSOR)
        counts->lists++;
    else if (!tensor || said->rank < 0)
        counts->open++;
    else if (!known)
        counts->ranked++;
    else if (tn_type_static(said))
        counts->fixed++;
    else
        counts->symbolic++;
    if (!gaps || known || (said->kind != TN_KIND_TENSOR && said->kind != TN_KIND_NONE)) return;
    tn_text_printf(gaps, "output '%s' (%s) is ", v->name, v->producer ? v->producer->type : "no node");
    tn_type_print(b->syms, said, gaps);
    tn_text_puts(gaps, "\n");
}

tn_status tn_agree(const tn_model *m, const tn_datum *const *in, size_t n_in, const tn_datum *out, size_t n_out,
                   tn_agreement *counts, tn_text *gaps) {
    const tn_graph *g = m->graph;
    tn_type_table table = { 0 };
    tn_status st = TN_OK;
    bindings b = { .syms = m->syms };
    tn_arena *arena = tn_arena_new(0, TN_MEM_GRAPH);
    tn_type *types = arena ? tn_arena_array(arena, tn_type, (size_t)g->n_inputs + 1) : NULL;
    if (!types) {
        st = tn_fail(TN_E_NOMEM, "no memory to infer types");
        goto done;
    }
    for (int i = 0; i < g->n_inputs; i++) types[i] = g->inputs[i]->type;
    if ((st = tn_infer_graph_types(m, g, types, arena, m->syms, &table)) != TN_OK) goto done;
    b.n = tn_sym_count(m->syms);
    b.sizes = tn_arena_array(arena, int64_t, (size_t)b.n + 1);
    if (!b.sizes) {
        st = tn_fail(TN_E_NOMEM, "no memory to compare types");
        goto done;
    }
    for (int i = 0; i < b.n; i++) b.sizes[i] = TN_DIM_UNKNOWN;
    bool told = true; /* names of sizes are promises of the file, which a run does not hold its inputs to */
    for (size_t i = 0; i < n_in && i < (size_t)g->n_inputs; i++)
        for (int k = 0; in[i] && in[i]->kind == TN_KIND_TENSOR && k < types[i].rank && k < in[i]->tensor.rank; k++)
            told = fits(&b, types[i].dims[k], in[i]->tensor.dims[k]) && told;
    for (size_t i = 0; i < n_out && i < (size_t)g->n_outputs && st == TN_OK; i++) {
        const tn_type *said = &table.facts[g->outputs[i]->id].type;
        if (g->outputs[i]->is_input) said = &g->outputs[i]->type;
        count(&b, g->outputs[i], said, counts, gaps);
        st = check(told ? &b : NULL, g->outputs[i], said, &out[i]);
    }
done:
    tn_arena_free(&arena);
    return st;
}
