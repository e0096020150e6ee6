/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_onnx.c - ONNX models: reading, upgrading, inference, printing. The last byte says how often memory runs out in a
 * second round. A model that opens has a graph that holds together, and closing it gives all memory back. */
#include "format/format.h"
#include "fuzz.h"

static void check_value(const tn_value *v) {
    if (!v) return;
    must(v->name && v->graph && v->type.rank <= TN_MAX_RANK);
    if (v->constant && tn_count(v->constant)) must(v->constant->data);
    if (v->constant && v->constant->dtype != TN_STRING) fuzz_touch(v->constant->data, tn_tensor_bytes(v->constant));
}

static void check_graph(const tn_graph *g) {
    for (const tn_node *n = g->first; n; n = n->next) {
        must(n->graph == g && n->op);
        for (int i = 0; i < n->n_inputs; i++) check_value(n->inputs[i]);
        for (int i = 0; i < n->n_outputs; i++) {
            check_value(n->outputs[i]);
            must(!n->outputs[i] || n->outputs[i]->producer == n);
        }
        for (int i = 0; i < n->n_attrs; i++)
            if (n->attrs[i].kind == TN_ATTR_GRAPH) check_graph(n->attrs[i].graph);
    }
    for (int i = 0; i < g->n_outputs; i++) check_value(g->outputs[i]);
}

static void read_only(const uint8_t *data, size_t size) { /* also models whose operators are not known */
    tn_model *m;
    tn_declared_list declared;
    if (tn_model_new(&m) != TN_OK) return;
    if (tn_onnx_read(m, data, size, &declared) == TN_OK && tn_onnx_upgrade(m) == TN_OK &&
        tn_graph_sort(m->graph) == TN_OK) {
        tn_text t = { 0 };
        tn_model_print(m, &t);
        fuzz_touch(t.s, t.n);
        tn_text_free(&t);
    } else {
        must(*tn_error());
    }
    tn_model_close(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    for (int round = 0; round < 2; round++) {
        tn_model *m;
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 63u : 0));
        read_only(data, size);
        tn_status st = tn_model_open_memory(data, size, &m);
        tn_mem_fail_every(0);
        must(st == TN_OK ? m != NULL : !m && *tn_error());
        if (st == TN_OK) check_graph(m->graph);
        tn_model_close(&m);
        must(tn_mem_stats_all().now == before);
    }
    return 0;
}
