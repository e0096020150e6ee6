/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* agree.c - inference against a run's outputs: sizes, symbols, contradictions. */
#include "analyse/agree.h"
#include "op/core/op.h"
#include "test.h"

/* x[n, k] -> Concat(x, x, axis 1): [n, 2 k]; symbols as named, k as `second` says. */
static tn_model *doubled(const char *second) {
    tn_model *m;
    check_ok(tn_model_new(&m));
    tn_type t = tn_type_tensor(TN_F32);
    t.rank = 2;
    t.dims[0] = tn_sym(m->syms, "n");
    t.dims[1] = tn_sym(m->syms, second);
    tn_value *x = tn_value_input(m->graph, "x", &t);
    tn_node *n = tn_node_new(m->graph, NULL, "", "Concat", (tn_value *[]){ x, x }, 2, 1);
    check_ok(tn_attr_set_int(n, "axis", 1));
    check_ok(tn_graph_add_output(m->graph, n->outputs[0]));
    check_ok(tn_graph_check(m->graph));
    return m;
}

static tn_datum tensor(tn_dtype t, int64_t a, int64_t b) {
    tn_datum d = { .kind = TN_KIND_TENSOR };
    check_ok(tn_tensor_init(&d.tensor, t, 2, (int64_t[]){ a, b }, TN_MEM_GENERAL));
    return d;
}

static tn_status agree_of(const char *second, tn_datum in, tn_datum out, tn_agreement *counts) {
    tn_model *m = doubled(second);
    const tn_datum *ptr = &in;
    tn_status st = tn_agree(m, &ptr, 1, &out, 1, counts, NULL);
    tn_datum_reset(&in);
    tn_datum_reset(&out);
    tn_model_close(&m);
    return st;
}

static tn_status agree(tn_datum in, tn_datum out, tn_agreement *counts) { return agree_of("k", in, out, counts); }

static void symbols(void **state) {
    tn_agreement counts = { 0 };
    check_ok(agree(tensor(TN_F32, 2, 3), tensor(TN_F32, 2, 6), &counts));
    assert_int_equal(counts.symbolic, 1);
    assert_int_equal(counts.fixed + counts.ranked + counts.open + counts.lists, 0);
}

static void contradictions(void **state) {
    check_fails(agree(tensor(TN_F32, 2, 3), tensor(TN_F32, 2, 5), NULL), TN_E_SHAPE, "inference said float32[n,2*k]");
    check_fails(agree(tensor(TN_F32, 2, 3), tensor(TN_F32, 3, 6), NULL), TN_E_SHAPE, "is float32[3,6]");
    check_fails(agree(tensor(TN_F32, 2, 3), tensor(TN_F64, 2, 6), NULL), TN_E_TYPE, "float64");
    check_fails(agree(tensor(TN_F32, 2, 3), (tn_datum){ .kind = TN_KIND_NONE }, NULL), TN_E_TYPE, "output");
}

/* A file that names two sizes alike, and inputs that differ there: nothing follows of the name, types are told. */
static void inputs_that_differ(void **state) {
    (void)state;
    check_ok(agree_of("n", tensor(TN_F32, 2, 3), tensor(TN_F32, 2, 6), NULL));
    check_fails(agree_of("n", tensor(TN_F32, 3, 3), tensor(TN_F32, 2, 6), NULL), TN_E_SHAPE, "said float32[n,2*n]");
    check_fails(agree_of("n", tensor(TN_F32, 2, 3), tensor(TN_F64, 2, 6), NULL), TN_E_TYPE, "float64");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(inputs_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
