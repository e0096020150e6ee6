/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today. Scan-8 ran
 * over a batch, too. Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"
#include "graph/internal.h"
#include "op/core/upgrade.h"

static tn_status deepen(tn_graph *g) {
    if (++g->depth > TN_MAX_DEPTH) return tn_fail(TN_E_LIMIT, "graphs are nested deeper than %d", TN_MAX_DEPTH);
    tn_graph_each(g, n) tn_node_each_graph(n, sub) TN_TRY(deepen(sub));
    return TN_OK;
}

/* Sequences of different lengths: the inner Scan (of `states` states) sees the first `len` steps of its inputs, and
 * what it gathers is filled up with zeros. */
static tn_status shorten(tn_node *inner, int states, tn_value *len) {
    tn_build b = tn_build_for(inner), end = tn_build_in(inner->graph, NULL);
    tn_value *zero = tn_build_int(&b, "zero", 0), *shape = tn_emit_int(&b, "Shape", "end", 1, inner->inputs[states]);
    tn_value *n = tn_emit(&b, "Reshape", len, tn_build_int(&b, "one", 1));
    tn_value *pads = tn_emit_int(&b, "Concat", "axis", 0, zero, tn_emit(&b, "Sub", shape, n));
    for (int i = states; i < inner->n_inputs; i++)
        tn_build_input(&b, i, tn_emit(&b, "Slice", inner->inputs[i], zero, n));
    TN_TRY(b.st);
    for (int i = 0; i < inner->n_outputs; i++) {
        tn_value *y = inner->outputs[i];
        if (i >= states) y = tn_emit(&end, "Pad", y, pads, NULL, zero);
        TN_TRY(end.st);
        TN_TRY(tn_graph_add_output(inner->graph, y));
    }
    return TN_OK;
}

/* The graph that is run once per sample: an inner Scan over the sequence with the old body; its last input is the
 * sequence's length when `lengths`. */
static tn_status build_sample(tn_build *b, tn_graph *sample, tn_graph *body, int n_in, bool lengths) {
    tn_node *n = b->node;
    tn_build s = tn_build_in(sample, NULL);
    tn_value **in = tn_arena_array(n->graph->model->arena, tn_value *, (size_t)n_in + 1);
    if (!in) return tn_build_fail(b, TN_E_NOMEM, "%d inputs", n_in);
    for (int i = 0; i < n_in; i++)
        if (!(in[i] = tn_value_input(sample, "sample", NULL))) return TN_E_NOMEM;
    tn_node *inner = tn_build_node(&s, "", "Scan", in, n_in, n->n_outputs);
    TN_TRY(s.st);
    body->parent = sample;
    TN_TRY(deepen(body));
    tn_build_attr(&s, inner, (tn_attr){ .name = "body", .kind = TN_ATTR_GRAPH, .graph = body });
    tn_build_attr(&s, inner, tn_attr_of_int("num_scan_inputs", tn_attr_int(n, "num_scan_inputs", 0)));
    int count;
    const int64_t *directions = tn_attr_ints(n, "directions", &count);
    if (count) tn_build_attr(&s, inner, tn_attr_of_ints("scan_input_directions", directions, count));
    TN_TRY(s.st);
    if (lengths) {
        int64_t scanned = tn_attr_int(n, "num_scan_inputs", 0);
        tn_value *len = tn_value_input(sample, "length", NULL);
        if (!len) return TN_E_NOMEM;
        if (scanned < 1 || scanned > n_in) return tn_up_fail(b, "num_scan_inputs does not fit its inputs");
        return shorten(inner, n_in - (int)scanned, len);
    }
    for (int i = 0; i < inner->n_outputs; i++) TN_TRY(tn_graph_add_output(sample, inner->outputs[i]));
    return TN_OK;
}

/* Scan-8 ran its body for every sample of a batch (dimension 0) and every step of a sequence (dimension 1). That is a
 * Scan over the batch around a Scan over the sequence. */
static tn_status tn_up_scan_8(tn_build *b) {
    tn_node *n = b->node;
    tn_value *lengths = tn_up_input(n, 0);
    int n_in = n->n_inputs - 1, at = 0;
    while (at < n->n_attrs && (strcmp(n->attrs[at].name, "body") || n->attrs[at].kind != TN_ATTR_GRAPH)) at++;
    if (at == n->n_attrs || n_in < 1) return tn_build_fail(b, TN_E_GRAPH, "no body or no inputs");
    tn_graph *body = n->attrs[at].graph;
    tn_graph *sample = tn_graph_new(n->graph->model, n->graph, "sample");
    if (!sample) return TN_E_LIMIT;
    TN_TRY(build_sample(b, sample, body, n_in, lengths));
    n->attrs[at].graph = sample; /* not through tn_attr_set: the old body is still in use */
    sample->parent_node = n;
    for (int i = 0; i < n_in; i++) tn_build_input(b, i, n->inputs[i + 1]);
    tn_build_input(b, n_in, lengths);
    n->n_inputs = n_in + (lengths != NULL);
    tn_attr_remove(n, "directions");
    return tn_attr_set_int(n, "num_scan_inputs", n->n_inputs);
}

/* -------------------------------------------------------------------------------------------------------- records */

const tn_op_past tn_op_past_control[] = {
    { "If",
      TN_VERSIONS({ 1, 1, TN_MANY, TN_BOOLS, TN_TENSORS_1, "else_branch then_branch" },
                  { 11, 1, TN_MANY, TN_BOOLS, TN_TENSORS_1, "else_branch then_branch" },
                  { 13, 1, TN_MANY, TN_BOOLS, TN_TENSORS_1 | TN_SEQUENCES, "else_branch then_branch" },
                  { 16, 1, TN_MANY, TN_BOOLS, TN_TENSORS_13 | TN_SEQUENCES | TN_OPTIONALS, "else_branch then_branch" },
                  { 19, 1, TN_MANY, TN_BOOLS, TN_TENSORS_19 | TN_SEQUENCES | TN_OPTIONALS, "else_branch then_branch" },
                  { 21, 1, TN_MANY, TN_BOOLS, TN_TENSORS_21 | TN_SEQUENCES | TN_OPTIONALS, "else_branch then_branch" },
                  { 23, 1, TN_MANY, TN_BOOLS, TN_TENSORS_23 | TN_SEQUENCES | TN_OPTIONALS, "else_branch then_branch" },
                  { 24, 1, TN_MANY, TN_BOOLS, TN_TENSORS_24 | TN_SEQUENCES | TN_OPTIONALS, "else_branch then_branch" },
                  { 25, 1, TN_MANY, TN_BOOLS, TN_TENSORS_25 | TN_SEQUENCES | TN_OPTIONALS,
                    "else_branch then_branch" }) },
    { "Loop",
      TN_VERSIONS({ 1, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_1, "body" },
                  { 11, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_1, "body" },
                  { 13, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_1 | TN_SEQUENCES, "body" },
                  { 16, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_13 | TN_SEQUENCES | TN_OPTIONALS, "body" },
                  { 19, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_19 | TN_SEQUENCES | TN_OPTIONALS, "body" },
                  { 21, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_21 | TN_SEQUENCES | TN_OPTIONALS, "body" },
                  { 23, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_23 | TN_SEQUENCES | TN_OPTIONALS, "body" },
                  { 24, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_24 | TN_SEQUENCES | TN_OPTIONALS, "body" },
                  { 25, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_25 | TN_SEQUENCES | TN_OPTIONALS, "body" }) },
    { "Scan",
      TN_VERSIONS(
          { 8, TN_MANY, TN_MANY, TN_ONLY(I64), TN_TENSORS_1, "body directions num_scan_inputs" },
          { 9, TN_MANY, TN_MANY, TN_TENSORS_1, TN_TENSORS_1,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 11, TN_MANY, TN_MANY, TN_TENSORS_1, TN_TENSORS_1,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 16, TN_MANY, TN_MANY, TN_TENSORS_13, TN_TENSORS_13,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 19, TN_MANY, TN_MANY, TN_TENSORS_19, TN_TENSORS_19,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 21, TN_MANY, TN_MANY, TN_TENSORS_21, TN_TENSORS_21,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 23, TN_MANY, TN_MANY, TN_TENSORS_23, TN_TENSORS_23,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 24, TN_MANY, TN_MANY, TN_TENSORS_24, TN_TENSORS_24,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" },
          { 25, TN_MANY, TN_MANY, TN_TENSORS_25, TN_TENSORS_25,
            "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions" }),
      .upgrades = TN_UPGRADES({ 9, tn_up_scan_8 }), .demands = TN_DEMANDS({ 9 }) },
    { "SequenceMap", TN_VERSIONS({ 17, TN_MANY, TN_MANY, TN_SEQUENCES, TN_SEQUENCES, "body" }) },
    { NULL },
};
