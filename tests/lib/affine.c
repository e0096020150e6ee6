/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* affine.c - see affine.h. */
#include "lib/affine.h"
#include "test.h"

static float weight(int64_t i) { return (float)(i % 7) - 3; }

static tn_value *layer(tn_model *m, tn_value *x, tn_value *w) {
    tn_value *in[2] = { x, w };
    in[0] = tn_node_new(m->graph, NULL, "", "MatMul", in, 2, 1)->outputs[0], in[1] = x;
    in[0] = tn_node_new(m->graph, NULL, "", "Add", in, 2, 1)->outputs[0];
    return tn_node_new(m->graph, NULL, "", "Relu", in, 1, 1)->outputs[0];
}

tn_model *affine_model(int width, int layers) {
    tn_model *m;
    tn_tensor w;
    tn_type t = tn_type_tensor(TN_F32);
    check_ok(tn_model_new(&m));
    t.rank = 2, t.dims[0] = tn_sym(m->syms, "n"), t.dims[1] = width;
    tn_value *x = tn_value_input(m->graph, "x", &t);
    check_ok(tn_tensor_init(&w, TN_F32, 2, (int64_t[]){ width, width }, TN_MEM_WEIGHTS));
    for (int64_t i = 0; i < (int64_t)width * width; i++) ((float *)w.data)[i] = weight(i);
    tn_value *constant = tn_value_constant(m->graph, "w", &w);
    for (int i = 0; i < layers; i++) x = layer(m, x, constant);
    check_ok(tn_graph_add_output(m->graph, x));
    check_ok(tn_graph_infer(m->graph));
    return m;
}

tn_tensor *affine_input(int width, int64_t rows) {
    tn_tensor *x;
    if (tn_tensor_new(TN_F32, 2, (int64_t[]){ rows, width }, &x) != TN_OK) return NULL;
    for (int64_t i = 0; i < rows * width; i++) ((float *)tn_tensor_data(x))[i] = (float)(i % 5) - 2;
    return x;
}

bool affine_right(const tn_tensor *x, const float *y) {
    int64_t rows = tn_tensor_dims(x)[0], width = tn_tensor_dims(x)[1];
    const float *a = tn_tensor_data(x);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++) {
            float sum = a[i * width + j];
            for (int64_t k = 0; k < width; k++) sum += a[i * width + k] * weight(k * width + j);
            if (y[i * width + j] != (sum > 0 ? sum : 0)) return false;
        }
    return true;
}
