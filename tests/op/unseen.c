/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* unseen.c - what no other test told apart: each row or test here fails for one small change of the code
 * (tests/mutants) under which everything else passed. */
#include "lib/op_cases.h"
#include "lib/op_run.h"
#include "test.h"

static void rows(void **state) {
    (void)state;
    static const op_case table[] = {
        /* Read as corners, the second box overlaps the first one by 0.1; read as centres, by 0.05. */
        { "NonMaxSuppression", "center_point_box=1",
          "f32:1,2,4=0,0,10,10,0,9,10,10 f32:1,1,2=0.9,0.8 i64:1=5 f32:1=0.07", "i64:2,3=0,0,0,0,0,1" },
        { "NonMaxSuppression", "center_point_box=0",
          "f32:1,2,4=0,0,10,10,0,9,10,10 f32:1,1,2=0.9,0.8 i64:1=5 f32:1=0.07", "i64:1,3=0,0,0" },
        /* A score must be above the threshold, not at it. */
        { "NonMaxSuppression", NULL, "f32:1,2,4=0,0,1,1,5,5,6,6 f32:1,1,2=0.5,0.75 i64:1=5 f32:1=0.5 f32:1=0.5",
          "i64:1,3=0,0,1" },
        /* NaN counts as the largest. */
        { "TopK", NULL, "f32:4=1,nan,3,2 i64:1=2", "f32:2=nan,3 i64:2=1,2" },
        { "TopK", "largest=0", "f32:4=nan,1,3,2 i64:1=3", "f32:3=1,2,3 i64:3=1,3,2" },
        { "TopK", "largest=0", "f32:4=nan,1,nan,2 i64:1=4", "f32:4=1,2,nan,nan i64:4=1,3,0,2" },
        { "TopK", NULL, "f64:4=nan,1,nan,2 i64:1=3", "f64:3=nan,nan,2 i64:3=0,2,3" },
        /* NaN wins, and unsigned numbers have no sign. */
        { "ScatterElements", "reduction=min", "f32:2=1,2 i64:1=0 f32:1=nan", "f32:2=nan,2" },
        { "ScatterElements", "reduction=max", "f32:2=1,2 i64:1=0 f32:1=nan", "f32:2=nan,2" },
        { "ScatterElements", "reduction=max", "u64:1=1 i64:1=0 u64:1=0xffffffffffffffff", "u64:1=0xffffffffffffffff" },
        { "ScatterElements", "reduction=min", "u64:1=1 i64:1=0 u64:1=0xffffffffffffffff", "u64:1=1" },
        /* What is not 0 is true. */
        { "Cast", "to=9", "i8:3=-1,0,5", "bool:3=1,0,1" },
        { "Cast", "to=9", "i64:3=-1,0,5", "bool:3=1,0,1" },
        { "Cast", "to=9", "f32:3=-0.5,0,0.25", "bool:3=1,0,1" },
        /* The running statistics keep their own type. */
        { "BatchNormalization", "training_mode=1", "f16:2,1=1,3 f16:1=1 f16:1=0 f32:1=0 f32:1=1",
          "f16:2,1=-1,1 f32:1=0.2 f32:1=1" },
    };
    op_cases(table);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        op_case what;
        const char *words;
    } table[] = {
        { { "GatherElements", "axis=0", "f32:2,1=1,2 i64:1,2=0,1", "f32:1,2=0" }, "larger than data" },
        { { "Resize", "axes=[1,1]", "f32:1,2=1,2 _ _ i64:2=2,2", "f32:1,2=0" }, "named twice" },
    };
    for (size_t i = 0; i < TN_COUNT(table); i++) op_case_refused(&table[i].what, table[i].words);
}

/* A body needs all inputs of its node. */
static void omitted_input_of_a_body(void **state) {
    (void)state;
    ob *b = ob_new(9, 21), *g = ob_graph();
    ob_input(b, "x", TN_F32, "2");
    ob_node(b, "SequenceConstruct", "x", "s");
    ob_node(b, "SequenceMap", "s _", "t");
    ob_input(g, "item", TN_F32, NULL);
    ob_input(g, "more", TN_F32, NULL);
    ob_node(g, "Add", "item more", "sum");
    ob_output(g, "sum");
    ob_subgraph(b, "body", g);
    ob_node(b, "ConcatFromSequence", "t", "y");
    ob_int(b, "axis", 0);
    ob_output(b, "y");
    op_refused(b, 1, (op_data[]){ { TN_F32, "2", { 1, 2 } } }, "its input 1 is omitted");
}

/* x [2, 3, 4] reshaped to [-1, one of its sizes], named from either end; the sizes are numbers, symbols, or nothing. */
static void size_by_place(void **state) {
    (void)state;
    static const char *const declared[] = { "2,3,4", "n,3,m", "n,k,m", NULL };
    for (int k = 0; k < (int)TN_COUNT(declared) * 6; k++) {
        int64_t place = k % 6 - 3, size = 2 + (place + 3) % 3;
        char dims[16];
        ob *b = ob_new(9, 21);
        op_data x = { TN_F32, "2,3,4" }, y = { TN_F32, dims };
        for (int i = 0; i < 24; i++) x.v[i] = y.v[i] = i;
        snprintf(dims, sizeof dims, "%d,%d", (int)(24 / size), (int)size);
        ob_input(b, "x", TN_F32, declared[k / 6]);
        ob_ints_init(b, "rest", "1", (int64_t[]){ -1 }, 1);
        ob_ints_init(b, "place", "1", &place, 1);
        ob_node(b, "Shape", "x", "sizes");
        ob_node(b, "Gather", "sizes place", "width");
        ob_node(b, "Concat", "rest width", "shape");
        ob_int(b, "axis", 0);
        ob_node(b, "Reshape", "x shape", "y");
        ob_output(b, "y");
        op_gives(b, 1, &x, 1, &y, 0);
    }
}

/* x [6] reshaped to [Mod(size - 13, 3), 2]: -7 by 3 leaves -1 with the sign of the dividend, 2 with the divisor's. */
static ob *by_remainder(int64_t fmod) {
    ob *b = ob_new(9, 21);
    ob_input(b, "x", TN_F32, "6");
    ob_ints_init(b, "thirteen", "1", (int64_t[]){ 13 }, 1);
    ob_ints_init(b, "three", "1", (int64_t[]){ 3 }, 1);
    ob_ints_init(b, "width", "1", (int64_t[]){ fmod ? 2 : 3 }, 1);
    ob_node(b, "Shape", "x", "size");
    ob_node(b, "Sub", "size thirteen", "less");
    ob_node(b, "Mod", "less three", "rest");
    ob_int(b, "fmod", fmod);
    ob_node(b, "Concat", "rest width", "shape");
    ob_int(b, "axis", 0);
    ob_node(b, "Reshape", "x shape", "y");
    ob_output(b, "y");
    return b;
}

static void remainders_of_sizes(void **state) {
    (void)state;
    op_data x = { TN_F32, "6", { 1, 2, 3, 4, 5, 6 } };
    op_gives(by_remainder(1), 1, &x, 1, (op_data[]){ { TN_F32, "3,2", { 1, 2, 3, 4, 5, 6 } } }, 0);
    op_gives(by_remainder(0), 1, &x, 1, (op_data[]){ { TN_F32, "2,3", { 1, 2, 3, 4, 5, 6 } } }, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(rows), cmocka_unit_test(refusals),
                                        cmocka_unit_test(size_by_place), cmocka_unit_test(omitted_input_of_a_body),
                                        cmocka_unit_test(remainders_of_sizes) };
    return cmocka_run_group_tests_name("op/unseen", tests, NULL, NULL);
}
