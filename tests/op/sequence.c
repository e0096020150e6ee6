/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sequence.c - sequences and optionals through operators and subgraphs; what Loop and Scan hand out; what is refused.
 */
#include "lib/op_run.h"
#include "test.h"

static ob *begin(tn_dtype t) {
    ob *b = ob_new(10, 24);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    ob_ints_init(b, "zero", "", (int64_t[]){ 0 }, 1);
    ob_ints_init(b, "last", "", (int64_t[]){ -1 }, 1);
    ob_ints_init(b, "two", "", (int64_t[]){ 2 }, 1);
    ob_ints_init(b, "three", "", (int64_t[]){ 3 }, 1);
    return b;
}

static ob *joined(ob *b, int64_t axis, int fresh) {
    ob_node(b, "ConcatFromSequence", "s", "y");
    ob_int(b, "axis", axis);
    ob_int(b, "new_axis", fresh);
    return b;
}

static void splitting_and_joining(void **state) {
    op_data x = { TN_STRING, "2,3", .s = { "a", "b", "c", "d", "e", "f" } };
    op_data stacked = { TN_STRING, "2,3", .s = { "a", "b", "c", "d", "e", "f" } };
    ob *b = begin(TN_STRING); /* columns without their axis, stacked as columns */
    ob_node(b, "SplitToSequence", "x", "s");
    ob_int(b, "axis", -1);
    ob_int(b, "keepdims", 0);
    op_gives(joined(b, -1, 1), 1, &x, 1, &stacked, 0);
    op_data rows = { TN_STRING, "3,2", .s = { "a", "d", "b", "e", "c", "f" } };
    b = begin(TN_STRING);
    ob_node(b, "SplitToSequence", "x", "s");
    ob_int(b, "axis", 1);
    ob_int(b, "keepdims", 0);
    op_gives(joined(b, 0, 1), 1, &x, 1, &rows, 0);
    b = begin(TN_STRING); /* parts of two: the last one is shorter */
    ob_node(b, "SplitToSequence", "x two", "t");
    ob_int(b, "axis", 1);
    ob_node(b, "SequenceAt", "t last", "y");
    op_data end = { TN_STRING, "2,1", .s = { "c", "f" } };
    op_gives(b, 1, &x, 1, &end, 0);
    b = begin(TN_STRING);
    ob_ints_init(b, "sizes", "2", (int64_t[]){ 3, INT64_MAX }, 2);
    ob_node(b, "SplitToSequence", "x sizes", "s");
    ob_int(b, "axis", 1);
    op_refused(joined(b, 1, 0), 1, &x, "split");
    b = begin(TN_STRING);
    ob_node(b, "SplitToSequence", "x", "s");
    op_refused(joined(b, 2, 0), 1, &x, "axis");
    b = begin(TN_STRING);
    ob_node(b, "SequenceEmpty", "", "s");
    ob_int(b, "dtype", 8);
    op_refused(joined(b, 0, 0), 1, &x, "empty");
    b = begin(TN_STRING); /* items of two types */
    ob_node(b, "SequenceConstruct", "x x", "s");
    ob_node(b, "SequenceInsert", "s zero", "t");
    ob_node(b, "SequenceLength", "t", "y");
    op_refused(b, 1, &x, "a sequence cannot hold both string and int64");
    b = begin(TN_STRING);
    ob_node(b, "SequenceEmpty", "", "s");
    ob_int(b, "dtype", 99);
    ob_node(b, "SequenceLength", "s", "y");
    op_refused(b, 1, &x, "dtype");
}

/* An item may go before any other, also counted from the end, and behind the last. */
static void inserting_everywhere(void **state) {
    for (int at = -2; at <= 2; at++) {
        int place = at < 0 ? at + 2 : at;
        op_data x = { TN_F32, "2", { 1, 2 } }, y = { TN_F32, "3" };
        for (int i = 0, next = 1; i < 3; i++) y.v[i] = i == place ? 3 : next++;
        ob *b = begin(TN_F32);
        ob_ints_init(b, "at", "", (int64_t[]){ at }, 1);
        ob_node(b, "ReduceSum", "x", "sum");
        ob_node(b, "SplitToSequence", "x", "t");
        ob_node(b, "SequenceInsert", "t sum at", "s");
        op_gives(joined(b, 0, 0), 1, &x, 1, &y, 0);
        b = begin(TN_F32);
        ob_ints_init(b, "at", "", (int64_t[]){ at }, 1);
        ob_node(b, "SplitToSequence", "x", "t");
        ob_node(b, "SequenceAt", "t at", "y");
        if (at == 2)
            op_refused(b, 1, &x, "position 2 is outside -2..1");
        else
            op_gives(b, 1, &x, 1, &(op_data){ TN_F32, "1", { place + 1 } }, 0);
    }
}

/* An item goes by its place, or the last one where none is said. */
static void erasing_everywhere(void **state) {
    for (int at = -3; at <= 3; at++) {
        int place = at == 3 ? 2 : at < 0 ? at + 3 : at;
        op_data x = { TN_F32, "3", { 1, 2, 3 } }, y = { TN_F32, "2" };
        for (int i = 0, n = 0; i < 3; i++)
            if (i != place) y.v[n++] = i + 1;
        ob *b = begin(TN_F32);
        ob_ints_init(b, "at", "", (int64_t[]){ at }, 1);
        ob_node(b, "SplitToSequence", "x", "t");
        ob_node(b, "SequenceErase", at == 3 ? "t" : "t at", "s");
        op_gives(joined(b, 0, 0), 1, &x, 1, &y, 0);
    }
}

static void editing(void **state) {
    op_data x = { TN_STRING, "1", .s = { "a" } };
    for (int step = 0; step < 3; step++) {
        ob *b = begin(TN_STRING);
        ob_node(b, "StringConcat", "x x", "u");
        ob_node(b, "SequenceConstruct", "x x", "t");
        ob_node(b, "SequenceInsert", step == 0 ? "t u" : step == 1 ? "t u zero" : "t u last", "v");
        ob_node(b, "SequenceErase", step == 1 ? "v last" : "v zero", "s");
        op_data want[3] = { { TN_STRING, "2", .s = { "a", "aa" } },
                            { TN_STRING, "2", .s = { "aa", "a" } },
                            { TN_STRING, "2", .s = { "aa", "a" } } };
        op_gives(joined(b, 0, 0), 1, &x, 1, &want[step], 0);
    }
    static const struct {
        const char *op, *inputs;
    } wrong[] = { { "SequenceInsert", "t x three" },
                  { "SequenceErase", "t two" },
                  { "SequenceAt", "t two" },
                  { "SequenceAt", "t none" },
                  { "SequenceErase", "t none" } };
    for (size_t i = 0; i < TN_COUNT(wrong); i++) {
        ob *b = begin(TN_STRING);
        ob_ints_init(b, "none", "0", NULL, 0);
        ob_node(b, "SequenceConstruct", "x x", "t");
        ob_node(b, wrong[i].op, wrong[i].inputs, "s");
        if (i < 2 || i == 4)
            joined(b, 0, 0);
        else
            ob_node(b, "Identity", "s", "y");
        op_refused(b, 1, &x, i < 3 ? "position" : "0 elements");
    }
}

/* An If whose branches give sequences, and one whose branches give optionals. */
static void branches(void **state) {
    for (int on = 0; on < 2; on++)
        for (int optional = 0; optional < 2; optional++) {
            ob *b = begin(TN_BOOL), *g[2];
            ob_floats_init(b, "f", "2", (float[]){ 1, 2 }, 2);
            for (int i = 0; i < 2; i++) {
                g[i] = ob_graph();
                ob_node(g[i], "SequenceConstruct", i ? "f" : "f f", optional ? "q" : "r");
                if (optional) ob_node(g[i], "Optional", "q", "r");
                ob_output(g[i], "r");
            }
            ob_node(b, "If", "x", optional ? "o" : "s");
            ob_subgraph(b, "then_branch", g[0]);
            ob_subgraph(b, "else_branch", g[1]);
            if (optional) ob_node(b, "OptionalGetElement", "o", "s");
            op_data x = { TN_BOOL, "", { on } }, y = { TN_F32, on ? "4" : "2", { 1, 2, 1, 2 } };
            op_gives(joined(b, 0, 0), 1, &x, 1, &y, 0);
        }
}

static void optionals(void **state) {
    static const struct {
        const char *op, *inputs;
        int has;
    } forms[] = { { "Optional", "x", 1 }, { "Identity", "x", 1 }, { "SequenceConstruct", "x", 1 } };
    op_data x = { TN_F32, "2", { 3, 4 } }, yes = { TN_BOOL, "", { 1 } }, no = { TN_BOOL, "", { 0 } };
    for (size_t i = 0; i < TN_COUNT(forms); i++) {
        ob *b = begin(TN_F32);
        ob_node(b, forms[i].op, forms[i].inputs, "o");
        ob_node(b, "OptionalHasElement", "o", "y");
        op_gives(b, 1, &x, 1, &yes, 0);
        if (i == 2) continue;
        b = begin(TN_F32);
        ob_node(b, forms[i].op, forms[i].inputs, "o");
        ob_node(b, "OptionalGetElement", "o", "y");
        op_gives(b, 1, &x, 1, &x, 0);
    }
    ob *b = begin(TN_F32);
    ob_node(b, "OptionalHasElement", "", "y");
    op_gives(b, 1, &x, 1, &no, 0);
    b = begin(TN_F32);
    ob_node(b, "Optional", "", "o");
    ob_node(b, "OptionalHasElement", "o", "y");
    op_refused(b, 1, &x, "type");
}

/* The step number itself as a carried value and as an output per step. */
static void loops(void **state) {
    ob *b, *g;
    for (int64_t steps = 0; steps < 4; steps += 3) {
        b = begin(TN_I64), g = ob_graph();
        ob_input(g, "i", TN_I64, "");
        ob_input(g, "c", TN_BOOL, "");
        ob_input(g, "k", TN_I64, "");
        ob_node(g, "Identity", "c", "c2");
        ob_node(g, "Identity", "i", "k2");
        ob_node(g, "Identity", "i", "j");
        ob_output(g, "c2");
        ob_output(g, "k2");
        ob_output(g, "j");
        ob_output(b, "z");
        ob_node(b, "Loop", "x _ last", "y z");
        ob_subgraph(b, "body", g);
        op_data x = { TN_I64, "", { (double)steps } };
        op_data out[2] = { { TN_I64, "", { steps ? 2 : -1 } }, { TN_I64, steps ? "3" : "0", { 0, 1, 2 } } };
        op_gives(b, 1, &x, 2, out, 0);
    }
    b = begin(TN_I64), g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_node(g, "Identity", "c", "c2");
    ob_node(g, "Identity", "i", "j");
    ob_output(g, "c2");
    ob_output(g, "j");
    ob_node(b, "Loop", "x", "y");
    ob_subgraph(b, "body", g);
    op_data none = { TN_I64, "0" };
    op_refused(b, 1, &none, "not one");
}

/* No step is taken: what would be gathered keeps its type, with nothing along its axis. */
static void no_steps(void **state) {
    ob *b = ob_new(10, 24), *g = ob_graph();
    ob_input(b, "x", TN_I32, "2,3");
    ob_ints_init(b, "zero", "", (int64_t[]){ 0 }, 1);
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_node(g, "Identity", "c", "c2");
    ob_node(g, "Identity", "x", "row");
    ob_output(g, "c2");
    ob_output(g, "row");
    ob_node(b, "Loop", "zero", "y");
    ob_subgraph(b, "body", g);
    ob_output(b, "y");
    op_data x = { TN_I32, "2,3", { 1, 2, 3, 4, 5, 6 } };
    op_gives(b, 1, &x, 1, &(op_data){ TN_I32, "0,2,3" }, 0);
    for (int axis = -1; axis <= 1; axis++) {
        b = ob_new(10, 24), g = ob_graph();
        ob_input(b, "x", TN_I32, "0,3");
        ob_input(g, "e", TN_I32, "3");
        ob_node(g, "Neg", "e", "r");
        ob_output(g, "r");
        ob_node(b, "Scan", "x", "y");
        ob_int(b, "num_scan_inputs", 1);
        ob_ints(b, "scan_output_axes", (int64_t[]){ axis }, 1);
        ob_subgraph(b, "body", g);
        ob_output(b, "y");
        op_gives(b, 1, &(op_data){ TN_I32, "0,3" }, 1, &(op_data){ TN_I32, axis ? "3,0" : "0,3" }, 0);
    }
}

/* Version 8 of Scan: a batch of sequences, each of its own length; what lies behind it is zero. */
static void batched_scan(void **state) {
    for (int reverse = 0; reverse < 2; reverse++) {
        ob *b = ob_new(3, 8), *g = ob_graph();
        ob_ints_init(b, "lengths", "2", (int64_t[]){ 1, 3 }, 2);
        ob_input(b, "x", TN_F32, "2,3");
        ob_input(b, "s", TN_F32, "2");
        ob_input(g, "sum", TN_F32, "");
        ob_input(g, "e", TN_F32, "");
        ob_node(g, "Add", "sum e", "sum2");
        ob_node(g, "Identity", "sum2", "seen");
        ob_output(g, "sum2");
        ob_output(g, "seen");
        ob_node(b, "Scan", "lengths s x", "y z");
        ob_int(b, "num_scan_inputs", 1);
        if (reverse) ob_ints(b, "directions", (int64_t[]){ 1 }, 1);
        ob_subgraph(b, "body", g);
        ob_output(b, "y");
        ob_output(b, "z");
        op_data in[] = { { TN_F32, "2,3", { 1, 2, 3, 4, 5, 6 } }, { TN_F32, "2", { 10, 20 } } };
        op_data out[] = { { TN_F32, "2", { 11, 35 } }, { TN_F32, "2,3", { 11, 0, 0, 24, 29, 35 } } };
        if (reverse) out[1].v[3] = 26, out[1].v[4] = 31;
        op_gives(b, 2, in, 2, out, 0);
    }
}

/* Every item of a sequence, with a tensor that all share. */
static void mapping(void **state) {
    ob *b = begin(TN_F32), *g = ob_graph();
    ob_input(g, "item", TN_F32, NULL);
    ob_input(g, "all", TN_F32, NULL);
    ob_node(g, "ReduceSum", "all", "sum");
    ob_int(g, "keepdims", 0);
    ob_node(g, "Add", "item sum", "r");
    ob_output(g, "r");
    ob_node(b, "SplitToSequence", "x", "t");
    ob_node(b, "SequenceMap", "t x", "s");
    ob_subgraph(b, "body", g);
    op_data x = { TN_F32, "3", { 1, 2, 3 } }, y = { TN_F32, "3", { 7, 8, 9 } };
    op_gives(joined(b, 0, 0), 1, &x, 1, &y, 0);
}

static void constants(void **state) {
    op_data x = { TN_F32, "", { 0 } };
    ob *b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    ob_strings(b, "value_strings", "a|b");
    op_gives(b, 1, &x, 1, &(op_data){ TN_STRING, "2", .s = { "a", "b" } }, 0);
    b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    ob_string(b, "value_string", "word");
    op_gives(b, 1, &x, 1, &(op_data){ TN_STRING, "", .s = { "word" } }, 0);
    b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    ob_ints(b, "value_ints", (int64_t[]){ 4, 5 }, 2);
    op_gives(b, 1, &x, 1, &(op_data){ TN_I64, "2", { 4, 5 } }, 0);
    b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    ob_int(b, "value_int", -4);
    op_gives(b, 1, &x, 1, &(op_data){ TN_I64, "", { -4 } }, 0);
    b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    ob_floats(b, "value_floats", (float[]){ 4.5f, 5 }, 2);
    op_gives(b, 1, &x, 1, &(op_data){ TN_F32, "2", { 4.5, 5 } }, 0);
    b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    ob_float(b, "value_float", 0.5f);
    op_gives(b, 1, &x, 1, &(op_data){ TN_F32, "", { 0.5 } }, 0);
    b = begin(TN_F32);
    ob_sparse(b, "w", "2,3", (float[]){ 7, 9 }, (int64_t[]){ 1, 5 }, 2, 1);
    ob_node(b, "Identity", "w", "y");
    op_gives(b, 1, &x, 1, &(op_data){ TN_F32, "2,3", { 0, 7, 0, 0, 0, 9 } }, 0);
    b = begin(TN_F32);
    ob_node(b, "Constant", "", "y");
    op_refused(b, 1, &x, "Constant");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(splitting_and_joining),
                                        cmocka_unit_test(inserting_everywhere),
                                        cmocka_unit_test(erasing_everywhere),
                                        cmocka_unit_test(editing),
                                        cmocka_unit_test(branches),
                                        cmocka_unit_test(optionals),
                                        cmocka_unit_test(loops),
                                        cmocka_unit_test(no_steps),
                                        cmocka_unit_test(batched_scan),
                                        cmocka_unit_test(mapping),
                                        cmocka_unit_test(constants) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
