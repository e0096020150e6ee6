/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shared_trees.c - trees whose branches lead to common nodes: graphs without cycles. Random ones are held against plain
 * C; long chains and wide sharing take no more room than they have nodes. */
#include "lib/op_run.h"
#include "test.h"

enum { MOST = 400, ROWS = 19 };

typedef struct {
    int n, inner; /* nodes from `inner` on are leaves */
    int64_t yes[MOST], no[MOST], feature[MOST];
    float value[MOST];
    int mode[MOST];
} dag;

static const char *const modes[] = { "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ" };

static bool holds(int mode, float x, float v) {
    return mode == 0   ? x <= v
           : mode == 1 ? x < v
           : mode == 2 ? x >= v
           : mode == 3 ? x > v
           : mode == 4 ? x == v
                       : x != v;
}

static float leaf_of(const dag *d, const float *x) {
    int64_t at = 0;
    while (at < d->inner) at = holds(d->mode[at], x[d->feature[at]], d->value[at]) ? d->yes[at] : d->no[at];
    return (float)(10 * at);
}

static void put_ints(ob *b, const char *name, const int64_t *v, int n) { ob_ints(b, name, v, n); }

static ob *model(const dag *d) {
    int64_t id[MOST], zero[MOST] = { 0 };
    float weight[MOST];
    tn_text words = { 0 };
    for (int i = 0; i < d->n; i++) {
        id[i] = i;
        weight[i] = (float)(10 * (d->inner + i));
        tn_text_printf(&words, "%s%s", i ? "|" : "", i < d->inner ? modes[d->mode[i]] : "LEAF");
    }
    ob *b = ob_new(8, 15);
    ob_opset(b, "ai.onnx.ml", 1);
    ob_input(b, "x", TN_F32, NULL);
    ob_output(b, "y");
    ob_node(b, "ai.onnx.ml::TreeEnsembleRegressor", "x", "y");
    put_ints(b, "nodes_treeids", zero, d->n);
    put_ints(b, "nodes_nodeids", id, d->n);
    put_ints(b, "nodes_featureids", d->feature, d->n);
    put_ints(b, "nodes_truenodeids", d->yes, d->n);
    put_ints(b, "nodes_falsenodeids", d->no, d->n);
    ob_floats(b, "nodes_values", d->value, d->n);
    ob_strings(b, "nodes_modes", words.s);
    int leaves = d->n - d->inner;
    put_ints(b, "target_treeids", zero, leaves);
    put_ints(b, "target_nodeids", id + d->inner, leaves);
    put_ints(b, "target_ids", zero, leaves);
    ob_floats(b, "target_weights", weight, leaves);
    ob_int(b, "n_targets", 1);
    tn_text_free(&words);
    return b;
}

static void check_dag(const dag *d, uint64_t *seed) {
    op_data x = { TN_F32, "19,3" }, y = { TN_F32, "19,1" };
    for (int r = 0; r < ROWS; r++) {
        float row[3];
        for (int k = 0; k < 3; k++) x.v[3 * r + k] = row[k] = (float)(test_random(seed) >> 40 & 7);
        y.v[r] = leaf_of(d, row);
    }
    op_gives(model(d), 1, &x, 1, &y, 0);
}

/* Children come later in the list, any of them: most nodes have several parents. */
static void random_graphs(void **state) {
    (void)state;
    uint64_t seed = 77;
    for (int i = 0; i < 60; i++) {
        dag d = { .inner = 1 + (int)(test_random(&seed) >> 40) % 40 };
        d.n = d.inner + 1 + (int)(test_random(&seed) >> 40) % 6;
        for (int k = 0; k < d.inner; k++) {
            int later = d.n - k - 1;
            int near = later < 3 ? later : 3; /* chains, and now and then a jump */
            d.yes[k] = k + 1 + (int)(test_random(&seed) >> 40) % (i % 2 ? later : near);
            d.no[k] = k + 1 + (int)(test_random(&seed) >> 40) % later;
            d.feature[k] = (int64_t)(test_random(&seed) >> 40) % 3;
            d.value[k] = (float)(test_random(&seed) >> 40 & 7);
            d.mode[k] = i % 3 ? (int)(test_random(&seed) >> 40) % 6 : 0;
        }
        check_dag(&d, &seed);
    }
}

/* A set of categories, as exporters write it: comparisons in a row whose true branches are one common node. */
static void chain(void **state) {
    (void)state;
    uint64_t seed = 3;
    dag d = { .inner = 5, .n = 8 };
    for (int i = 0; i < 4; i++) d.mode[i] = 4, d.value[i] = (float)(2 * i), d.yes[i] = 4, d.no[i] = i + 1;
    d.no[3] = 5;
    d.feature[4] = 1, d.value[4] = 3, d.yes[4] = 6, d.no[4] = 7;
    check_dag(&d, &seed);
}

/* Each node leads twice to the next: 2^199 ways, 400 places. */
static void many_ways(void **state) {
    (void)state;
    uint64_t seed = 4;
    dag d = { .inner = 199, .n = 201 };
    for (int i = 0; i < 199; i++) d.yes[i] = i + 1, d.no[i] = i + 1, d.value[i] = 3;
    d.no[198] = 200;
    check_dag(&d, &seed);
}

static void cycles(void **state) {
    (void)state;
    op_data x = { TN_F32, "1,1", { 0 } };
    dag d = { .inner = 3, .n = 4, .yes = { 1, 2, 1 }, .no = { 3, 3, 3 } };
    op_refused(model(&d), 1, &x, "cycle");
    dag self = { .inner = 1, .n = 2, .yes = { 0 }, .no = { 1 } };
    op_refused(model(&self), 1, &x, "cycle");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_graphs), cmocka_unit_test(chain),
                                        cmocka_unit_test(many_ways), cmocka_unit_test(cycles) };
    return cmocka_run_group_tests_name("op/shared_trees", tests, NULL, NULL);
}
