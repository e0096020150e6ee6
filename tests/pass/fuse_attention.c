/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuse_attention.c - attention in pieces becomes one node where it may, and gives what the pieces give. */
#include "engine/session.h"
#include "pass/pass.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 9;
static float uniform(void) { return (float)(test_random(&seed) >> 40) / 8388608.0f - 1; }

static tn_value *make(tn_model *m, const char *type, tn_value *a, tn_value *b, tn_value *c) {
    tn_value *in[3] = { a, b, c };
    tn_node *x = tn_node_new(m->graph, NULL, "", type, in, c ? 3 : b ? 2 : 1, 1);
    assert_non_null(x);
    return x->outputs[0];
}

static tn_value *turned(tn_model *m, tn_value *v, const int64_t *perm, int rank) {
    tn_value *y = make(m, "Transpose", v, NULL, NULL);
    check_ok(tn_attr_set_ints(y->producer, "perm", perm, rank));
    return y;
}

static tn_value *input(tn_model *m, const char *name, tn_dtype t, int rank, const tn_dim *dims) {
    tn_type type = tn_type_tensor(t);
    type.rank = rank;
    memcpy(type.dims, dims, (size_t)rank * sizeof *dims);
    return tn_value_input(m->graph, name, &type);
}

static tn_value *softmax(tn_model *m, tn_value *v, int64_t axis) {
    tn_value *y = make(m, "Softmax", v, NULL, NULL);
    check_ok(tn_attr_set_int(y->producer, "axis", axis));
    return y;
}

static int fused(const tn_graph *g) {
    int n = 0;
    for (const tn_node *x = g->first; x; x = x->next) n += !strcmp(x->type, "Attention") && !strcmp(x->domain, "tenon");
    return n;
}

/* Runs the model with and without passes; `expected` attention nodes are made. Frees m. */
static void compare(tn_model *m, tn_value *y, int expected) {
    tn_tensor *in[4], *out[2][2] = { { NULL } };
    tn_session *s;
    tn_model *copy;
    check_ok(tn_graph_add_output(m->graph, y));
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_model_clone(m, &copy));
    check_ok(tn_optimize(copy, NULL, false, NULL));
    check_ok(tn_graph_check(copy->graph));
    assert_int_equal(fused(copy->graph), expected);
    tn_model_close(&copy);
    int n = m->graph->n_inputs;
    for (int i = 0; i < n; i++) {
        const tn_type *t = &m->graph->inputs[i]->type;
        int64_t dims[TN_MAX_RANK];
        for (int d = 0; d < t->rank; d++) dims[d] = tn_dim_known(t->dims[d]) ? t->dims[d] : 7;
        check_ok(tn_tensor_new(t->dtype, t->rank, dims, &in[i]));
        for (int64_t k = 0; k < tn_count(in[i]); k++)
            tn_set_f64(t->dtype, in[i]->data, k, t->dtype == TN_BOOL ? k % 3 == 1 : (double)uniform() * 2);
    }
    for (int i = 0; i < 2; i++) {
        tn_session_opts o = { .size = sizeof o, .threads = 1, .no_optimize = i };
        check_ok(tn_session_new(m, &o, &s));
        check_ok(tn_session_run(s, (size_t)n, (const tn_tensor *const *)in, (size_t)m->graph->n_outputs, out[i]));
        tn_session_free(&s);
    }
    assert_true(tn_dims_equal(out[0][0]->rank, out[0][0]->dims, out[1][0]->rank, out[1][0]->dims));
    const float *a = out[0][0]->data, *b = out[1][0]->data;
    for (int64_t k = 0; k < tn_count(out[0][0]); k++)
        check(fabsf(a[k] - b[k]) <= 2e-6f * (1 + fabsf(b[k])), "element %d is %g, not %g\n", (int)k, (double)a[k],
              (double)b[k]);
    for (int i = 0; i < n; i++) tn_tensor_free(&in[i]);
    for (int i = 0; i < 4; i++) tn_tensor_free(&out[i / 2][i % 2]);
    tn_model_close(&m);
}

enum { PLAIN, MASK, WHERE, WIDE_MASK, OTHER_AXIS, SCALE_AFTER, SHARED, FORMS };

/* [batch, rows, heads, size] in and out, a symbolic length. */
static void rows_of_heads(void **state) {
    static const int64_t heads[] = { 0, 2, 1, 3 }, keys[] = { 0, 2, 3, 1 };
    for (int form = 0; form < FORMS; form++) {
        tn_model *m;
        check_ok(tn_model_new(&m));
        tn_dim n = tn_sym(m->syms, "n"), dims[] = { 2, n, 3, 5 };
        tn_value *q = input(m, "q", TN_F32, 4, dims), *k = input(m, "k", TN_F32, 4, dims),
                 *v = input(m, "v", TN_F32, 4, dims);
        tn_value *s = make(m, "MatMul", turned(m, q, heads, 4), turned(m, k, keys, 4), NULL);
        tn_value *eight = tn_value_scalar_f32(m->graph, "c", 2.5f);
        if (form != SCALE_AFTER) s = make(m, "Div", s, eight, NULL);
        if (form == MASK || form == SCALE_AFTER)
            s = make(m, "Add", input(m, "m", TN_F32, 4, (tn_dim[]){ 2, 1, 1, n }), s, NULL);
        if (form == WIDE_MASK) s = make(m, "Add", s, input(m, "m", TN_F32, 5, (tn_dim[]){ 2, 1, 1, 1, n }), NULL);
        if (form == WHERE)
            s = make(m, "Where", input(m, "m", TN_BOOL, 2, (tn_dim[]){ n, n }),
                     tn_value_scalar_f32(m->graph, "f", -1e9f), s);
        if (form == SCALE_AFTER) s = make(m, "Mul", s, eight, NULL);
        tn_value *p = softmax(m, s, form == OTHER_AXIS ? 2 : 3), *o;
        if (form == WIDE_MASK) {
            compare(m, p, 0);
            continue;
        }
        o = turned(m, make(m, "MatMul", p, turned(m, v, heads, 4), NULL), heads, 4);
        if (form == SHARED) check_ok(tn_graph_add_output(m->graph, o));
        compare(m, form == SHARED ? p : o, form == OTHER_AXIS || form == SCALE_AFTER || form == SHARED ? 0 : 1);
    }
}

/* [rows, heads, size]: three dimensions, the scale on the query. */
static void three_dimensions(void **state) {
    static const int64_t heads[] = { 1, 0, 2 }, keys[] = { 1, 2, 0 };
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_dim dims[] = { 30, 4, 8 };
    tn_value *q = input(m, "q", TN_F32, 3, dims), *k = input(m, "k", TN_F32, 3, dims),
             *v = input(m, "v", TN_F32, 3, dims);
    q = make(m, "Mul", turned(m, q, heads, 3), tn_value_scalar_f32(m->graph, "c", 0.3f), NULL);
    tn_value *p = softmax(m, make(m, "MatMul", q, turned(m, k, keys, 3), NULL), -1);
    compare(m, turned(m, make(m, "MatMul", p, turned(m, v, heads, 3), NULL), heads, 3), 1);
}

/* One head of keys for several of queries: products broadcast, which is left as it is. */
static void broadcast_heads(void **state) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_value *q = input(m, "q", TN_F32, 4, (tn_dim[]){ 1, 3, 4, 8 }),
             *k = input(m, "k", TN_F32, 4, (tn_dim[]){ 1, 1, 6, 8 });
    tn_value *s = make(m, "MatMul", q, turned(m, k, (int64_t[]){ 0, 1, 3, 2 }, 4), NULL);
    compare(m, make(m, "MatMul", softmax(m, s, -1), k, NULL), 0);
}

enum { GROUPED, OTHER_ORDER, KEYS_ONLY, OTHER_TIMES, ROWS_FIRST, ONE_NODE, REPEATS };

/* x, with dims of 4, times as many along dimension `at`; `before`: the copies of the whole, not of each element. */
static tn_value *repeated(tn_model *m, tn_value *x, const char *name, const int64_t *dims, int at, int64_t times,
                          bool before) {
    int64_t many[5], flat[4];
    char names[3][16];
    for (int i = 0; i < 3; i++) snprintf(names[i], sizeof names[i], "%s%d", name, i);
    int one = before ? at : at + 1;
    for (int d = 0; d < 5; d++) many[d] = d == one ? times : dims[d > one ? d - 1 : d];
    for (int d = 0; d < 4; d++) flat[d] = d == at ? dims[d] * times : dims[d];
    x = make(m, "Unsqueeze", x, tn_value_ints(m->graph, names[0], (int64_t[]){ one }, 1), NULL);
    x = make(m, "Expand", x, tn_value_ints(m->graph, names[1], many, 5), NULL);
    return make(m, "Reshape", x, tn_value_ints(m->graph, names[2], flat, 4), NULL);
}

static int count(tn_model *m, tn_value *y, const char *type) {
    tn_model *copy;
    int n = 0;
    check_ok(tn_graph_add_output(m->graph, y));
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_model_clone(m, &copy));
    tn_graph_remove_output(m->graph, m->graph->n_outputs - 1);
    check_ok(tn_optimize(copy, NULL, false, NULL));
    for (const tn_node *x = copy->graph->first; x; x = x->next) n += !strcmp(x->type, type);
    tn_model_close(&copy);
    return n;
}

/* Keys and values repeated for groups of queries' heads are read as they are, where they are repeated so. */
static void repeated_heads(void **state) {
    for (int form = 0; form < REPEATS; form++) {
        tn_model *m;
        bool lines = form == ROWS_FIRST;
        const int64_t dims[] = { 2, lines ? 5 : 3, lines ? 3 : 5, 8 };
        static const int64_t planes[] = { 0, 2, 1, 3 }, keys[] = { 0, 1, 3, 2 }, keys_of_lines[] = { 0, 2, 3, 1 };
        int at = lines ? 2 : 1;
        check_ok(tn_model_new(&m));
        tn_value *q = input(m, "q", TN_F32, 4, (tn_dim[]){ 2, 6, 4, 8 }), *k = input(m, "k", TN_F32, 4, dims),
                 *v = input(m, "v", TN_F32, 4,
                            form == KEYS_ONLY     ? (tn_dim[]){ 2, 6, 5, 8 }
                            : form == OTHER_TIMES ? (tn_dim[]){ 2, 2, 5, 8 }
                                                  : dims);
        k = repeated(m, k, "k", dims, at, 2, form == OTHER_ORDER);
        if (form == OTHER_TIMES)
            v = repeated(m, v, "v", (int64_t[]){ 2, 2, 5, 8 }, at, 3, false);
        else if (form != KEYS_ONLY)
            v = repeated(m, v, "v", dims, at, 2, form == OTHER_ORDER);
        tn_value *s = make(m, "MatMul", q, turned(m, k, lines ? keys_of_lines : keys, 4), NULL);
        tn_value *y = make(m, "MatMul", softmax(m, s, -1), lines ? turned(m, v, planes, 4) : v, NULL);
        bool taken = form == GROUPED || form == ONE_NODE || lines;
        if (form == ONE_NODE) y = make(m, "Attention", q, k, v);
        int left = count(m, y, "Expand");
        check(taken == !left, "form %d: %d of Expand are left\n", form, left);
        compare(m, y, form != ONE_NODE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(rows_of_heads), cmocka_unit_test(three_dimensions),
                                        cmocka_unit_test(broadcast_heads), cmocka_unit_test(repeated_heads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
