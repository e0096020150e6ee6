/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient_sequences.c - examples of gradients of sequences and optionals, and of control flow that carries them. */
#include "lib/gradient_examples.h"
#include <stddef.h>
#include <stdio.h>

/* Sequences: of x0 and x1, changed and read at several places. */
static void lists(ob *b) {
    ob_node(b, "SequenceConstruct", "x0 x1 x0", "a"); /* x0 x1 x0 */
    ob_node(b, "SequenceInsert", "a x2 x3", "c");     /* x3 = -2: x0 x2 x1 x0 */
    ob_node(b, "SequenceInsert", "c x1", "d");        /* x0 x2 x1 x0 x1 */
    ob_node(b, "SequenceErase", "d x4", "e");         /* x4 = 0: x2 x1 x0 x1 */
    ob_node(b, "SequenceErase", "e", "f");            /* x2 x1 x0 */
    ob_node(b, "SequenceAt", "f x3", "p");            /* x1 */
    ob_node(b, "SequenceAt", "f x4", "q");            /* x2 */
    ob_node(b, "SequenceAt", "e x3", "r");            /* x0 */
    ob_node(b, "ConcatFromSequence", "f", "s");
    ob_int(b, "axis", -2);
    ob_node(b, "Mul", "p x0", "t");
    ob_node(b, "Sin", "q", "u");
    ob_node(b, "Mul", "r r", "v");
    ob_node(b, "Concat", "t u v s", "w");
    ob_int(b, "axis", 0);
    ob_node(b, "Mul", "w w", "y0");
}

/* The same through an empty sequence, places from the end, and items of several lengths. */
static void lists_of_lengths(ob *b) {
    ob_node(b, "SequenceEmpty", "", "none");
    ob_int(b, "dtype", 11);
    ob_node(b, "SequenceInsert", "none x0", "a");
    ob_node(b, "SequenceInsert", "a x1", "c");
    ob_node(b, "SequenceInsert", "c x2 x3", "d"); /* x3 = 1 */
    ob_node(b, "SequenceAt", "d x4", "p");        /* x4 = -1 */
    ob_node(b, "SequenceErase", "d x4", "e");
    ob_node(b, "ConcatFromSequence", "e", "q");
    ob_int(b, "axis", 1);
    ob_node(b, "Concat", "q p", "y0");
    ob_int(b, "axis", 1);
}

static void split_and_join(ob *b, int64_t axis, bool keep, const char *split) {
    char in[20];
    snprintf(in, sizeof in, "x0%s%s", split ? " " : "", split ? split : "");
    ob_node(b, "SplitToSequence", in, "parts");
    ob_int(b, "axis", axis);
    ob_int(b, "keepdims", keep);
    ob_node(b, "SequenceAt", "parts x1", "one");
    ob_node(b, "SequenceErase", "parts x1", "rest");
    ob_node(b, "ConcatFromSequence", "rest", "joined");
    ob_int(b, "axis", axis);
    if (!keep) ob_int(b, "new_axis", 1);
    ob_node(b, "Mul", "one one", "y0");
    ob_node(b, "Exp", "joined", "y1");
}

static void split_parts(ob *b) { split_and_join(b, -1, true, "x2"); }
static void split_each(ob *b) { split_and_join(b, 1, true, NULL); }
static void split_dropped(ob *b) { split_and_join(b, -2, false, NULL); }

/* An optional tensor and an optional sequence, asked for twice. */
static void optionals(ob *b) {
    ob_node(b, "Optional", "x0", "o");
    ob_node(b, "OptionalGetElement", "o", "p");
    ob_node(b, "OptionalGetElement", "o", "q");
    ob_node(b, "SequenceConstruct", "p x1", "s");
    ob_node(b, "Optional", "s", "os");
    ob_node(b, "Identity", "os", "ot");
    ob_node(b, "OptionalGetElement", "ot", "t");
    ob_node(b, "OptionalGetElement", "x1", "plain");
    ob_node(b, "ConcatFromSequence", "t", "u");
    ob_int(b, "axis", 0);
    ob_node(b, "Mul", "q plain", "v");
    ob_node(b, "Mul", "u u", "y0");
    ob_node(b, "Sin", "v", "y1");
}

/* Items of two sequences and a whole tensor: a = item x2 + other, b = sin(item) captured. */
static void sequence_map(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "item", TN_F64, NULL);
    ob_input(g, "whole", TN_F64, NULL);
    ob_input(g, "other", TN_F64, NULL);
    ob_node(g, "Mul", "item whole", "p");
    ob_node(g, "Add", "p other", "a");
    ob_node(g, "Sin", "item", "s");
    ob_node(g, "Mul", "s x3", "q");
    ob_output(g, "a");
    ob_output(g, "q");
    ob_node(b, "SplitToSequence", "x0", "items");
    ob_node(b, "SplitToSequence", "x1", "others");
    ob_node(b, "SequenceMap", "items x2 others", "as bs");
    ob_subgraph(b, "body", g);
    ob_node(b, "ConcatFromSequence", "as", "y0");
    ob_int(b, "axis", 0);
    ob_node(b, "SequenceAt", "bs x4", "y1");
}

/* Items of several shapes; only the captured value and the items' sum matter. */
static void sequence_map_shapes(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "item", TN_F64, NULL);
    ob_node(g, "Mul", "item x2", "p");
    ob_node(g, "ReduceSum", "p", "q");
    ob_int(g, "keepdims", 0);
    ob_node(g, "Mul", "q q", "a");
    ob_output(g, "a");
    ob_node(b, "SequenceConstruct", "x0 x1", "items");
    ob_node(b, "SequenceMap", "items", "as");
    ob_subgraph(b, "body", g);
    ob_node(b, "ConcatFromSequence", "as", "y0");
    ob_int(b, "axis", 0);
    ob_int(b, "new_axis", 1);
}

/* Items captured by the body, one per step, and one of x2 always. */
static void sequence_map_captured(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "item", TN_F64, NULL);
    ob_input(g, "at", TN_I64, NULL);
    ob_input(g, "whole", TN_F64, NULL);
    ob_node(g, "SequenceAt", "others at", "o");
    ob_node(g, "Mul", "item o", "p");
    ob_node(g, "Mul", "p whole", "q");
    ob_node(g, "Mul", "q x2", "r");
    ob_output(g, "r");
    ob_node(b, "SplitToSequence", "x0", "items");
    ob_node(b, "SplitToSequence", "x1", "others");
    ob_node(b, "SplitToSequence", "x3", "places");
    ob_node(b, "SequenceMap", "items places x2", "rs");
    ob_subgraph(b, "body", g);
    ob_node(b, "ConcatFromSequence", "rs", "y0");
    ob_int(b, "axis", 0);
}

/* A list that grows by one per step, read at its end; a value beside it. x0: the value, x1: captured. */
static void loop_lists(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_input(g, "list", TN_NONE, NULL);
    ob_input(g, "v", TN_F64, "2");
    ob_node(g, "SequenceAt", "list x3", "p"); /* x3 = -1 */
    ob_node(g, "Mul", "p x1", "q");
    ob_node(g, "Sin", "v", "s");
    ob_node(g, "Add", "q s", "vn");
    ob_node(g, "SequenceInsert", "list vn", "more");
    ob_node(g, "Mul", "vn p", "shown");
    ob_node(g, "Identity", "c", "go");
    ob_output(g, "go");
    ob_output(g, "more");
    ob_output(g, "vn");
    ob_output(g, "shown");
    ob_node(b, "SequenceConstruct", "x0", "start");
    ob_node(b, "Loop", "x2 _ start x0", "lists y1 y2");
    ob_subgraph(b, "body", g);
    ob_node(b, "ConcatFromSequence", "lists", "y0");
    ob_int(b, "axis", 0);
}

/* The items of a captured list, one per step. */
static void loop_items(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_input(g, "v", TN_F64, "2");
    ob_node(g, "SequenceAt", "items i", "p");
    ob_node(g, "Mul", "p v", "q");
    ob_node(g, "Tanh", "q", "vn");
    ob_node(g, "Identity", "c", "go");
    ob_output(g, "go");
    ob_output(g, "vn");
    ob_node(b, "SplitToSequence", "x1", "items");
    ob_int(b, "keepdims", 0);
    ob_node(b, "SequenceLength", "items", "n");
    ob_node(b, "Loop", "n _ x0", "y0");
    ob_subgraph(b, "body", g);
}

/* A tensor that grows: v = [v, sum(v) x1]. */
static void loop_grows(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_input(g, "v", TN_F64, NULL);
    ob_node(g, "Sin", "v", "w");
    ob_node(g, "ReduceSum", "w", "sum");
    ob_node(g, "Mul", "sum x1", "p");
    ob_node(g, "Concat", "v p", "vn");
    ob_int(g, "axis", 0);
    ob_node(g, "Identity", "c", "go");
    ob_output(g, "go");
    ob_output(g, "vn");
    ob_node(b, "Loop", "x2 _ x0", "y0");
    ob_subgraph(b, "body", g);
}

/* An optional is carried: x0, then v x1. */
static void loop_optional(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "i", TN_I64, "");
    ob_input(g, "c", TN_BOOL, "");
    ob_input(g, "o", TN_NONE, NULL);
    ob_node(g, "OptionalGetElement", "o", "v");
    ob_node(g, "Mul", "v x1", "p");
    ob_node(g, "Sin", "p", "q");
    ob_node(g, "Optional", "q", "on");
    ob_node(g, "Identity", "c", "go");
    ob_output(g, "go");
    ob_output(g, "on");
    ob_node(b, "Optional", "x0", "first");
    ob_node(b, "Loop", "x2 _ first", "last");
    ob_subgraph(b, "body", g);
    ob_node(b, "OptionalGetElement", "last", "y0");
}

/* Branches that read and make lists and optionals. */
static void branches_of_lists(ob *b) {
    ob *then = ob_graph(), *other = ob_graph();
    ob_node(then, "SequenceAt", "items x3", "p");
    ob_node(then, "Mul", "p x0", "q");
    ob_node(then, "OptionalGetElement", "held", "r");
    ob_node(then, "SequenceConstruct", "q r", "made");
    ob_output(then, "made");
    ob_node(other, "SequenceInsert", "items x0", "grown");
    ob_output(other, "grown");
    ob_node(b, "SequenceConstruct", "x0 x1", "items");
    ob_node(b, "Mul", "x1 x1", "square");
    ob_node(b, "Optional", "square", "held");
    ob_node(b, "If", "x2", "list");
    ob_subgraph(b, "then_branch", then);
    ob_subgraph(b, "else_branch", other);
    ob_node(b, "ConcatFromSequence", "list", "joined");
    ob_int(b, "axis", 0);
    ob_node(b, "Exp", "joined", "y0");
}

/* h = h + x item, with items of a captured list; forwards along axis 0 of x1 and backwards along axis 1 of x2. */
static void scan_items(ob *b) {
    ob *g = ob_graph();
    ob_input(g, "h", TN_F64, "2");
    ob_input(g, "x", TN_F64, "2");
    ob_input(g, "z", TN_F64, "2");
    ob_input(g, "i", TN_I64, "");
    ob_node(g, "SequenceAt", "items i", "p");
    ob_node(g, "Mul", "x p", "q");
    ob_node(g, "Tanh", "h", "t");
    ob_node(g, "Add", "t q", "hn");
    ob_node(g, "Mul", "hn z", "shown");
    ob_output(g, "hn");
    ob_output(g, "shown");
    ob_node(b, "SplitToSequence", "x3", "items");
    ob_int(b, "keepdims", 0);
    ob_node(b, "Scan", "x0 x1 x2 x4", "y0 y1");
    ob_int(b, "num_scan_inputs", 3);
    ob_ints(b, "scan_input_axes", (int64_t[]){ 0, 1, 0 }, 3);
    ob_ints(b, "scan_input_directions", (int64_t[]){ 0, 1, 1 }, 3);
    ob_ints(b, "scan_output_axes", (int64_t[]){ 1 }, 1);
    ob_ints(b, "scan_output_directions", (int64_t[]){ 1 }, 1);
    ob_subgraph(b, "body", g);
}

const gradient_example gradient_sequence_examples[] = {
    { .op = "SequenceConstruct", .inputs = "2,3 2,3 2,3 i=-2 i=0", .body = lists },
    { .op = "SequenceInsert", .inputs = "2,3 2,1 2,2 i1=1 j=-1", .body = lists_of_lengths },
    { .op = "SequenceErase", .inputs = "2,3 2,1 2,2 j=1 i=-1", .body = lists_of_lengths },
    { .op = "SequenceAt", .inputs = "2,3 2,3 2,3 j=-2 j=0", .body = lists },
    { .op = "SplitToSequence", .inputs = "2,5 i=1 i3=2,1,2", .outputs = 2, .body = split_parts },
    { .op = "SplitToSequence", .inputs = "2,5 i=-1 i=2", .outputs = 2, .body = split_parts },
    { .op = "SplitToSequence", .inputs = "2,3 i=1", .outputs = 2, .body = split_each },
    { .op = "ConcatFromSequence", .inputs = "2,3,2 i=0", .outputs = 2, .body = split_dropped },
    { .op = "Optional", .inputs = "2,3 2,3", .outputs = 2, .body = optionals },
    { .op = "OptionalGetElement", .inputs = "2,3 2,3", .outputs = 2, .body = optionals },
    { .op = "SequenceMap", .inputs = "3,2 3,2 2 1,2 i=-1", .outputs = 2, .body = sequence_map },
    { .op = "SequenceMap", .inputs = "2,3 3 1", .body = sequence_map_shapes },
    { .op = "SequenceMap", .inputs = "3,2 3,2 2 i3=2,0,2", .body = sequence_map_captured },
    { .op = "Loop", .inputs = "2 2 i=3 i=-1", .outputs = 3, .body = loop_lists },
    { .op = "Loop", .inputs = "2 3,2", .body = loop_items },
    { .op = "Loop", .inputs = "2 1 i=3", .body = loop_grows },
    { .op = "Loop", .inputs = "2 2 i=3", .body = loop_optional },
    { .op = "Loop", .inputs = "2 2 i=0", .body = loop_optional },
    { .op = "Loop", .inputs = "2 1 i=0", .body = loop_grows },
    { .op = "If", .inputs = "2,3 2,3 b=1 i=1", .body = branches_of_lists },
    { .op = "If", .inputs = "2,3 2,3 b=0 i=1", .body = branches_of_lists },
    { .op = "Scan", .inputs = "2 3,2 2,3 3,2 i3=0,2,2", .outputs = 2, .body = scan_items },
    { 0 },
};
