/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient.c - a model that also computes gradients: tn_model_gradient over the walk of op/core/gradient.h. */
#include "op/core/gradient.h"
#include "format/format.h"
#include "op/core/op.h"
#include <tenon.h>

static tn_status find(const tn_model *m, const char *name, tn_value **out) {
    *out = name ? tn_map_gets(m->names, name) : NULL;
    if (!*out || (*out)->graph != m->graph)
        return tn_fail(TN_E_NOT_FOUND, "the model has no value '%.200s'", name ? name : "");
    return TN_OK;
}

static tn_status add_output(tn_model *m, const char *of, tn_value *d) {
    tn_value *named = tn_value_new(m->graph, tn_arena_printf(m->arena, "grad/%s", of));
    tn_build b = tn_build_in(m->graph, NULL);
    tn_node *id = named ? tn_build_node(&b, "", "Identity", &d, 1, 0) : NULL;
    if (!id) return TN_E_NOMEM;
    id->name = named->name;
    TN_TRY(tn_node_set_output(id, 0, named));
    return tn_graph_add_output(m->graph, named);
}

static tn_status differentiate(const tn_model *m, const char *output, size_t n, const char *const *of, tn_model **out) {
    tn_model *copy = NULL;
    tn_value *y, **xs, **dxs;
    tn_status st = TN_OK;
    if (n > INT32_MAX) return tn_fail(TN_E_INVALID, "%zu names", n);
    if (!output && m->graph->n_outputs != 1)
        return tn_fail(TN_E_INVALID, "the model has %d outputs: say which one is to be differentiated",
                       m->graph->n_outputs);
    if ((st = tn_model_clone(m, &copy)) != TN_OK) return st;
    xs = tn_arena_array(copy->arena, tn_value *, n + 1);
    dxs = tn_arena_array(copy->arena, tn_value *, n + 1);
    if (!xs || !dxs) {
        st = tn_fail(TN_E_NOMEM, "%zu gradients", n);
        goto done;
    }
    if ((st = find(copy, output ? output : copy->graph->outputs[0]->name, &y)) != TN_OK) goto done;
    for (size_t i = 0; i < n; i++) {
        if ((st = find(copy, of[i], &xs[i])) != TN_OK) goto done;
        if (xs[i]->type.kind != TN_KIND_TENSOR || !tn_dtype_is_float(xs[i]->type.dtype)) {
            st = tn_fail(TN_E_TYPE, "'%.200s' is no tensor of floats", of[i]);
            goto done;
        }
    }
    tn_gradient_job job = { .graph = copy->graph, .ys = &y, .n_ys = 1, .xs = xs, .n_xs = (int)n };
    if ((st = tn_gradient_or_zeros(&job, dxs)) != TN_OK) goto done;
    for (size_t i = 0; i < n && st == TN_OK; i++) st = add_output(copy, of[i], dxs[i]);
    if (st == TN_OK) st = tn_graph_infer(copy->graph);
    if (st == TN_OK) {
        *out = copy;
        copy = NULL;
    }
done:
    tn_model_close(&copy);
    return st;
}

static const tn_budget_words words = { .what = "differentiating the model",
                                       .bytes = "tn_model_opts.mem_limit",
                                       .nodes = "tn_model_opts.node_limit",
                                       .work = "tn_model_opts.work_limit",
                                       .time = "tn_model_opts.timeout_ns" };

enum { NODES = 1 << 18, NODES_PER_VALUE = 256 }; /* that a gradient may have: honest ones have a few for every value */

/* Within bounds, since each level of branches within branches may double what the one above it needs. */
tn_status tn_model_gradient_with(const tn_model *m, const tn_model_opts *opts, const char *output, size_t n,
                                 const char *const *of, tn_model **out) {
    tn_bounds b;
    tn_model_opts o = { 0 };
    *out = NULL;
    TN_TRY(tn_take_opts(&o, sizeof o, opts, "tn_model_opts"));
    if (!o.node_limit) o.node_limit = NODES + NODES_PER_VALUE * (uint64_t)m->n_values;
    if (m->compiled)
        return tn_fail(TN_E_UNSUPPORTED, "a compiled file has no gradient: differentiate the model it was made from");
    TN_TRY(tn_model_check_files(m));
    TN_TRY(tn_bounds_enter(&b, &o, &words, tn_model_bytes(m)));
    tn_status st = tn_bounds_leave(&b, differentiate(m, output, n, of, out));
    if (st != TN_OK) tn_model_close(out);
    return st;
}

tn_status tn_model_gradient(const tn_model *m, const char *output, size_t n, const char *const *of, tn_model **out) {
    return tn_model_gradient_with(m, NULL, output, n, of, out);
}
