/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* one_node.c - a model of one node, made and run. */
#include "lib/one_node.h"
#include "engine/session.h"
#include "op/core/op.h"
#include "tensor/encoding.h"
#include "test.h"
#include <math.h>

enum { MOST = 16 };

struct on {
    tn_model *m;
    tn_node *node;
    int n_in, n_fed, n_out;
    tn_value *in[MOST];
    tn_tensor *fed[MOST], *out[MOST];
};

static int parse_dims(const char *text, int64_t *dims) {
    int rank = 0;
    for (char *end; *text; text = *end ? end + 1 : end) dims[rank++] = strtoll(text, &end, 10);
    return rank;
}

on *on_new(void) {
    on *o = calloc(1, sizeof *o);
    assert_non_null(o);
    check_ok(tn_model_new(&o->m));
    return o;
}

void on_in(on *o, tn_dtype t, const char *dims, const double *values, bool constant) {
    tn_tensor *x;
    int64_t d[TN_MAX_RANK];
    int rank = parse_dims(dims, d);
    char name[16];
    check_ok(tn_tensor_new(t, rank, d, &x));
    for (int64_t i = 0; i < tn_tensor_elements(x); i++) tn_set_f64(t, tn_tensor_data(x), i, values[i]);
    snprintf(name, sizeof name, "in%d", o->n_in);
    if (constant) {
        tn_tensor c;
        check_ok(tn_tensor_copy(&c, x, TN_MEM_WEIGHTS));
        o->in[o->n_in++] = tn_value_constant(o->m->graph, name, &c);
        tn_tensor_free(&x);
        return;
    }
    tn_type type = tn_type_tensor(t);
    type.rank = rank;
    memcpy(type.dims, d, sizeof *d * (size_t)rank);
    o->in[o->n_in++] = tn_value_input(o->m->graph, name, &type);
    o->fed[o->n_fed++] = x;
}

void on_blocks(on *o, const tn_encoding *e, const char *dims, const void *data) {
    tn_tensor t;
    int64_t d[TN_MAX_RANK];
    check_ok(tn_tensor_encoded(&t, e, parse_dims(dims, d), d, data, SIZE_MAX, NULL));
    o->in[o->n_in++] = tn_value_constant(o->m->graph, "blocks", &t);
}

void on_none(on *o) { o->in[o->n_in++] = NULL; }

tn_node *on_node(on *o, const char *domain, const char *type, int n_out) {
    o->node = tn_node_new(o->m->graph, NULL, domain, type, o->in, o->n_in, n_out);
    assert_non_null(o->node);
    if (!o->node->op) fail_msg("there is no operator %s", type);
    o->n_out = n_out;
    for (int i = 0; i < n_out; i++) check_ok(tn_graph_add_output(o->m->graph, o->node->outputs[i]));
    return o->node;
}

tn_status on_go(on *o, int threads) {
    tn_session *s = NULL;
    tn_session_opts opts = { .size = sizeof opts, .threads = threads };
    tn_status st = tn_op_check_node(o->node);
    if (st == TN_OK) st = tn_graph_infer(o->m->graph);
    if (st == TN_OK) st = tn_session_new(o->m, &opts, &s);
    for (int i = 0; i < o->n_out; i++) tn_tensor_free(&o->out[i]);
    if (st == TN_OK)
        st = tn_session_run(s, (size_t)o->n_fed, (const tn_tensor *const *)o->fed, (size_t)o->n_out, o->out);
    tn_session_free(&s);
    return st;
}

const tn_tensor *on_out(const on *o, int i) { return o->out[i]; }

double on_at(const on *o, int i, int64_t k) {
    return tn_get_f64(tn_tensor_dtype(o->out[i]), tn_tensor_data(o->out[i]), k);
}

void on_expect(const on *o, int i, tn_dtype t, const char *dims, const double *values, double atol) {
    int64_t d[TN_MAX_RANK];
    int rank = parse_dims(dims, d);
    char have[200];
    const tn_tensor *y = o->out[i];
    assert_string_equal(tn_dtype_name(y->dtype), tn_dtype_name(t));
    if (!tn_dims_equal(rank, d, y->rank, y->dims))
        fail_msg("output %d is %s, expected %s", i, tn_dims_text(y->rank, y->dims, have, sizeof have), dims);
    for (int64_t k = 0; k < tn_count(y); k++) {
        double v = on_at(o, i, k);
        bool same = v == values[k] || (isnan(v) && isnan(values[k])) || fabs(v - values[k]) <= atol;
        check(same, "output %d, element %lld: %.9g, expected %.9g\n", i, (long long)k, v, values[k]);
    }
}

void on_free(on *o) {
    for (int i = 0; i < MOST; i++) {
        tn_tensor_free(&o->fed[i]);
        tn_tensor_free(&o->out[i]);
    }
    tn_model_close(&o->m);
    free(o);
}
