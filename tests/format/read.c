/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read.c - what a ModelProto may hold, and what it must not. */
#include "base/file.h"
#include "format/format.h"
#include "lib/op_run.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    tn_text file;
    tn_model *m;
    tn_declared_list declared;
} reading;

static tn_status begin(reading *r, ob *b, const char *path) {
    *r = (reading){ .file = ob_finish(b) };
    check_ok(tn_model_new(&r->m));
    r->m->path = path;
    return tn_onnx_read(r->m, (const uint8_t *)r->file.s, r->file.n, &r->declared);
}

static void end(reading *r) {
    tn_model_close(&r->m);
    tn_text_free(&r->file);
}

static void shows(ob *b, const char *const *lines) {
    reading r;
    tn_text t = { 0 };
    check_ok(begin(&r, b, NULL));
    tn_model_print(r.m, &t);
    const char *at = t.s;
    for (; *lines; lines++) {
        const char *hit = strstr(at, *lines);
        check(hit, "'%s' is missing in:\n%s\n", *lines, t.s);
        at = hit + strlen(*lines);
    }
    tn_text_free(&t);
    end(&r);
}

static void refuses(ob *b, tn_status status, const char *words) {
    reading r;
    check_fails(begin(&r, b, NULL), status, words);
    end(&r);
}

#define LINES(...) \
    (const char *const[]) { __VA_ARGS__, NULL }

static ob *one_input(const char *dims) {
    ob *b = ob_new(8, 17);
    ob_input(b, "x", TN_F32, dims);
    ob_output(b, "y");
    return b;
}

/* ------------------------------------------------------------------------------------------------------- contents */

static void constants(void **state) {
    (void)state;
    ob *b = one_input("2");
    ob_floats_init(b, "w", "2", (float[]){ 1, 2 }, 2);
    ob_ints_init(b, "i", "", (int64_t[]){ -7 }, 1);
    ob_sparse(b, "s", "2,3", (float[]){ 5, 6 }, (int64_t[]){ 1, 5 }, 2, 1);
    ob_sparse(b, "t", "4", (float[]){ 5, 6 }, (int64_t[]){ 1, 3 }, 2, 1);
    ob_node(b, "Constant", "", "c");
    ob_floats(b, "value_floats", (float[]){ 3, 4 }, 2);
    ob_node(b, "Constant", "", "d");
    ob_int(b, "value_int", 9);
    ob_node(b, "Constant", "", "e");
    ob_tensor(b, "value", 0.5f);
    ob_node(b, "Foo", "x w i s c d e t", "y");
    shows(b, LINES("w: float32[2] [1,2] constant", "i: int64[] -7 constant", "s: float32[2,3] constant",
                   "t: float32[4] [0,5,0,6] constant", "c: float32[2] [3,4] constant", "d: int64[] 9 constant",
                   "e: float32[] 0.5 constant", "y = Foo(x, w [1,2], i -7, s, c [3,4], d 9, e 0.5, t [0,5,0,6])"));
}

/* Sparse tensors of strings, and of elements that share a byte. */
static void sparse_types(void **state) {
    (void)state;
    ob *b = one_input("2");
    ob_sparse_of(b, "t", TN_I4, "5", "\x7f\x09", 2, (int64_t[]){ 0, 2, 3 }, 3);
    ob_node(b, "Foo", "x t", "y");
    shows(b, LINES("t: int4[5] [-1,0,7,-7,0] constant"));
    b = ob_new(8, 17);
    ob_input(b, "x", TN_STRING, NULL);
    ob_output(b, "y");
    ob_sparse_of(b, "s", TN_STRING, "2,2", "one|three", 0, (int64_t[]){ 1, 3 }, 2);
    ob_node(b, "Concat", "s x", "y");
    ob_int(b, "axis", 1);
    op_gives(b, 1, &(op_data){ TN_STRING, "2,1", .s = { "a", "b" } }, 1,
             &(op_data){ TN_STRING, "2,3", .s = { "", "one", "a", "", "three", "b" } }, 0);
}

static void defaults(void **state) {
    (void)state;
    for (int ir = 3; ir <= 4; ir++) {
        ob *b = ob_new(ir, 9);
        ob_input(b, "x", TN_F32, "2");
        ob_input(b, "w", TN_F32, "2");
        ob_floats_init(b, "w", "2", (float[]){ 1, 2 }, 2);
        ob_node(b, "Add", "x w", "y");
        ob_output(b, "y");
        if (ir == 3)
            shows(b, LINES("(x: float32[2]) -> (y)", "w: float32[2] [1,2] constant"));
        else
            shows(b, LINES("(x: float32[2], w: float32[2] = default) -> (y)"));
    }
}

static void types(void **state) {
    (void)state;
    ob *b = one_input("batch,-1,?,3");
    ob_input(b, "z", TN_I64, NULL);
    ob_node(b, "Foo", "x z", "y");
    shows(b, LINES("x: float32[batch,?,?,3], z: int64"));
}

static void any_order(void **state) {
    (void)state;
    ob *b = one_input("2");
    ob_node(b, "Relu", "a", "y");
    ob_node(b, "Neg", "x", "a");
    reading r;
    check_ok(begin(&r, b, NULL));
    check_ok(tn_graph_sort(r.m->graph));
    assert_string_equal(r.m->graph->first->type, "Neg");
    end(&r);
    b = one_input("2");
    ob_node(b, "Add", "x c", "a");
    ob_node(b, "Neg", "a", "c");
    ob_node(b, "Relu", "c", "y");
    check_ok(begin(&r, b, NULL));
    check_fails(tn_graph_sort(r.m->graph), TN_E_GRAPH, "cycle");
    end(&r);
}

/* ------------------------------------------------------------------------------------------------------ subgraphs */

static ob *branch(const char *op, const char *in, const char *out) {
    ob *g = ob_graph();
    ob_node(g, op, in, out);
    ob_output(g, out);
    return g;
}

static void captured(void **state) {
    (void)state;
    ob *b = one_input("2");
    ob_input(b, "c", TN_BOOL, "");
    ob_node(b, "If", "c", "y");
    ob_subgraph(b, "then_branch", branch("Neg", "x", "r"));
    ob_subgraph(b, "else_branch", branch("Abs", "x", "r")); /* siblings may use the same name */
    shows(b, LINES("y = If(c)", "r = Neg(x)", "r_1 = Abs(x)"));

    b = one_input("2");
    ob_input(b, "c", TN_BOOL, "");
    ob_node(b, "If", "c", "y");
    ob_subgraph(b, "then_branch", branch("Neg", "x", "c"));
    ob_subgraph(b, "else_branch", branch("Abs", "x", "x1"));
    shows(b, LINES("y = If(c)", "c_1 = Neg(x)", "x1 = Abs(x)")); /* hidden, as it must not be: the inner one is meant */

    b = one_input("2"); /* 'late' is defined after the node: not visible, not shadowed */
    ob_input(b, "c", TN_BOOL, "");
    ob_node(b, "If", "c", "a");
    ob_subgraph(b, "then_branch", branch("Neg", "x", "late"));
    ob_subgraph(b, "else_branch", branch("Abs", "x", "r"));
    ob_node(b, "Neg", "a", "late");
    ob_node(b, "Neg", "late", "y");
    shows(b, LINES("late_1 = Neg(x)", "late = Neg(a)", "y = Neg(late)"));

    b = one_input("2"); /* names of a subgraph are not known outside */
    ob_input(b, "c", TN_BOOL, "");
    ob_node(b, "If", "c", "a");
    ob_subgraph(b, "then_branch", branch("Neg", "x", "r"));
    ob_node(b, "Neg", "r", "y");
    refuses(b, TN_E_GRAPH, "(Neg): input 0, 'r', is not defined");
}

/* ------------------------------------------------------------------------------------------------------ functions */

static ob *calls(const char *attr, int64_t v) {
    ob *b = one_input("2,3");
    ob_opset(b, "my", 1);
    ob_node(b, "my::Pick", "x", "y");
    ob_name(b, "call");
    if (attr) ob_int(b, attr, v);
    return b;
}

static ob *pick_body(void) {
    ob *f = ob_graph();
    ob_node(f, "Softmax", "a", "s");
    ob_ref(f, "axis", "dim", 2);
    ob_node(f, "Add", "s a", "r");
    return f;
}

static void functions(void **state) {
    (void)state;
    ob *b = calls("dim", 1);
    ob_function(b, "my", "Pick", "a unused", "r", "dim", 13, pick_body());
    shows(b, LINES("call/s = Softmax(x) { axis=1 }", "y = Add(call/s, x)"));
    b = calls(NULL, 0); /* no value: the attribute is omitted */
    ob_function(b, "my", "Pick", "a", "r", "dim", 13, pick_body());
    shows(b, LINES("call/s = Softmax(x)\n"));
    b = calls(NULL, 0);
    ob_function(b, "my", "Pick", "a", "r", "", 13, pick_body());
    ob_function_default(b, "dim", 0);
    shows(b, LINES("call/s = Softmax(x) { axis=0 }"));
    b = calls("dim", -1);
    ob_function(b, "my", "Pick", "a", "r", "", 13, pick_body());
    ob_function_default(b, "dim", 0);
    shows(b, LINES("call/s = Softmax(x) { axis=-1 }"));
}

static void nested_functions(void **state) {
    (void)state;
    ob *b = calls("dim", 1), *outer = ob_graph(), *inner = ob_graph();
    ob_node(outer, "my::Inner", "a", "t");
    ob_ref(outer, "which", "dim", 2);
    ob_node(outer, "Neg", "t", "r");
    ob_node(inner, "Softmax", "p", "q");
    ob_ref(inner, "axis", "which", 2);
    ob_function(b, "my", "Pick", "a", "r", "dim", 13, outer);
    ob_function(b, "my", "Inner", "p", "q", "which", 13, inner);
    shows(b, LINES("call/t = Softmax(x) { axis=1 }", "y = Neg(call/t)"));

    b = calls(NULL, 0); /* an input handed through, and the version of the function's own imports */
    ob *through = ob_graph();
    ob_node(through, "Neg", "a", "unused");
    ob_function(b, "my", "Pick", "a", "a", "", 7, through);
    shows(b, LINES("call/unused = Neg(x)", "y = Identity(x)"));

    b = calls(NULL, 0);
    ob *self = ob_graph();
    ob_node(self, "my::Pick", "a", "r");
    ob_function(b, "my", "Pick", "a", "r", "", 13, self);
    refuses(b, TN_E_GRAPH, "the function calls itself");

    b = calls(NULL, 0);
    ob *undefined = ob_graph();
    ob_node(undefined, "Neg", "a", "z");
    ob_function(b, "my", "Pick", "a", "r", "", 13, undefined);
    refuses(b, TN_E_GRAPH, "output 'r' is not defined");

    b = calls(NULL, 0);
    ob *outside = ob_graph();
    ob_node(outside, "Neg", "x", "r"); /* functions see nothing of the graph */
    ob_function(b, "my", "Pick", "a", "r", "", 13, outside);
    refuses(b, TN_E_GRAPH, "'x', is not defined");
}

/* f0 calls f1 ten times, f1 calls f2 ten times, ...: ten to the twelfth nodes from a few kilobytes. */
static void growing_functions(void **state) {
    (void)state;
    ob *b = calls(NULL, 0);
    for (int level = 0; level < 12; level++) {
        char name[16], next[16], out[16];
        ob *body = ob_graph();
        snprintf(name, sizeof name, level ? "F%d" : "Pick", level);
        snprintf(next, sizeof next, "my::F%d", level + 1);
        for (int i = 0; i < 10; i++) {
            snprintf(out, sizeof out, i == 9 ? "r" : "v%d", i);
            ob_node(body, level < 11 ? next : "Neg", "a", out);
        }
        ob_function(b, "my", name, "a", "r", "", 13, body);
    }
    refuses(b, TN_E_LIMIT, "calls of functions add more than");
}

/* -------------------------------------------------------------------------------------------------------- refused */

static void wrong_graphs(void **state) {
    (void)state;
    ob *b = one_input("2");
    ob_node(b, "Neg", "x", "y");
    ob_node(b, "Abs", "x", "y");
    refuses(b, TN_E_GRAPH, "value 'y' is defined twice");
    b = one_input("2");
    ob_node(b, "Neg", "x", "x");
    refuses(b, TN_E_GRAPH, "value 'x' is defined twice");
    b = one_input("2");
    ob_floats_init(b, "w", "1", (float[]){ 1 }, 1);
    ob_floats_init(b, "w", "1", (float[]){ 1 }, 1);
    refuses(b, TN_E_GRAPH, "value 'w' is defined twice");
    b = one_input("2");
    refuses(b, TN_E_GRAPH, "graph output 0, 'y', is not defined");
    b = one_input("2");
    ob_node(b, "", "x", "y");
    refuses(b, TN_E_FORMAT, "has no op_type");
    b = one_input("2");
    ob_node(b, "Softmax", "x", "y");
    ob_int(b, "axis", 1);
    ob_int(b, "axis", 1);
    refuses(b, TN_E_GRAPH, "attribute 'axis' is given twice");
    b = one_input("2");
    ob_node(b, "Softmax", "x", "y");
    ob_ref(b, "axis", "dim", 2);
    refuses(b, TN_E_GRAPH, "refers to an attribute of a function but stands in none");
    b = ob_new(8, 0);
    ob_opset(b, "my", 1);
    ob_input(b, "x", TN_F32, "2");
    ob_node(b, "Neg", "x", "y");
    ob_output(b, "y");
    refuses(b, TN_E_GRAPH, "imports no operator set of domain 'ai.onnx'");
    refuses(ob_new(8, 99), TN_E_UNSUPPORTED, "operator set 99 of ai.onnx is newer");
    refuses(ob_new(0, 17), TN_E_FORMAT, "ir_version is 0");
    b = one_input("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
    ob_node(b, "Neg", "x", "y");
    refuses(b, TN_E_LIMIT, "more than 16 dimensions");
    b = one_input("2");
    ob_node(b, "Constant", "", "y");
    refuses(b, TN_E_GRAPH, "(Constant) has no value");
    b = one_input("2");
    ob_sparse(b, "s", "4", (float[]){ 5, 6 }, (int64_t[]){ 1, 4 }, 2, 1);
    refuses(b, TN_E_FORMAT, "entry 1 lies outside the shape");
    b = one_input("2");
    ob_sparse(b, "s", "1000000,1000000", (float[]){ 5 }, (int64_t[]){ 1 }, 1, 1);
    refuses(b, TN_E_LIMIT, "expands to more than");
}

static void claims(void **state) {
    (void)state;
    ob *b = one_input("2");
    ob_floats_init(b, "w", "805306368", (float[]){ 1 }, 1); /* 3 GiB from 4 bytes */
    refuses(b, TN_E_FORMAT, "'w'");
    b = one_input("2");
    ob_floats_init(b, "w", "4611686018427387904,4611686018427387904", (float[]){ 1 }, 1);
    refuses(b, TN_E_SHAPE, "'w'");
}

static void not_onnx(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } files[] = {
        { "", 0, "empty" },
        { "version https://git-lfs.github.com/spec/v1\n", 43, "Git LFS pointer" },
        { "<!DOCTYPE html><html>", 21, "HTML page" },
        { "PK\3\4........model/data.pkl", 27, "PyTorch" },
        { "PK\3\4..............", 18, "zip archive" },
        { "GGUF\3\0\0\0", 8, "GGUF" },
        { "\x0a\0\0\0\0\0\0\0{\"a\":[]}  ", 18, "safetensors" },
        { "\x1c\0\0\0TFL3....", 12, "TensorFlow Lite" },
        { "\x80\2ctorch", 8, "pickle" },
        { "{\"a\": 1}", 8, "JSON" },
        { "ir_version: 8\n", 14, "text form" },
        { "\x7f\x7f\x7f\x7f\x7f\x7f", 6, "not an ONNX model" },
        { "\x08\x08", 2, "0 graphs" },
    };
    for (size_t i = 0; i < TN_COUNT(files); i++) {
        tn_model *m;
        check_fails(tn_model_open_memory(files[i].bytes, files[i].n, &m), TN_E_FORMAT, files[i].words);
        assert_null(m);
    }
}

/* -------------------------------------------------------------------------------------------------- external data */

static char folder[] = "/tmp/tenon-test-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[2][300];
    static int turn;
    char *p = path[turn ^= 1];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static ob *outside(const char *location, const char *offset, const char *length) {
    ob *b = one_input("4");
    ob_external(b, "w", "4", location, offset, length);
    ob_node(b, "Add", "x w", "y");
    return b;
}

static void external(void **state) {
    (void)state;
    float data[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    assert_non_null(mkdtemp(folder));
    check_ok(tn_file_write(in_folder("w.bin"), data, sizeof data));
    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    check_ok(tn_file_write(in_folder("sub/w.bin"), data, sizeof data));
    assert_int_equal(symlink("/etc/hostname", in_folder("leads-out")), 0);
    assert_int_equal(symlink("w.bin", in_folder("stays")), 0);
    const char *model = in_folder("m.onnx");
    char path[300];
    snprintf(path, sizeof path, "%s", model);
    check_ok(tn_file_write(path, "x", 1));

    static const struct {
        const char *location, *offset, *length;
        float first;
    } good[] = {
        { "w.bin", NULL, NULL, 0 }, { "w.bin", "0", "16", 0 },     { "w.bin", "16", "16", 4 },
        { "w.bin", "16", NULL, 4 }, { "sub/w.bin", "4", "16", 1 }, { "./w.bin", "4", "16", 1 },
        { "stays", "4", "16", 1 },
    };
    for (size_t i = 0; i < TN_COUNT(good); i++) {
        reading r;
        check_ok(begin(&r, outside(good[i].location, good[i].offset, good[i].length), path));
        const tn_value *w = r.m->graph->first->inputs[1];
        assert_true(*(const float *)w->constant->data == good[i].first);
        end(&r);
    }
    static const struct {
        const char *location, *offset, *length;
        tn_status status;
        const char *words;
    } bad[] = {
        { "../w.bin", NULL, NULL, TN_E_FORMAT, "leads out of the model's folder" },
        { "sub/../../w.bin", NULL, NULL, TN_E_FORMAT, "leads out of the model's folder" },
        { "..", NULL, NULL, TN_E_FORMAT, "leads out of the model's folder" },
        { "/etc/hostname", NULL, NULL, TN_E_FORMAT, "only paths inside the model's folder" },
        { "leads-out", NULL, NULL, TN_E_FORMAT, "a link that leads out" },
        { "", NULL, NULL, TN_E_FORMAT, "external data" },
        { "missing.bin", NULL, NULL, TN_E_IO, "missing.bin" },
        { "sub", NULL, NULL, TN_E_IO, "folder" },
        { "w.bin", "20", "16", TN_E_FORMAT, "has 32 bytes" },
        { "w.bin", "33", NULL, TN_E_FORMAT, "has 32 bytes" },
        { "w.bin", "18446744073709551615", "16", TN_E_FORMAT, "has 32 bytes" },
        { "w.bin", "0", "12", TN_E_FORMAT, "12 bytes where the shape needs 16" },
        { "w.bin", "-1", "16", TN_E_FORMAT, "'w'" },
        { "w.bin", "zero", "16", TN_E_FORMAT, "'w'" },
    };
    for (size_t i = 0; i < TN_COUNT(bad); i++) {
        reading r;
        check_fails(begin(&r, outside(bad[i].location, bad[i].offset, bad[i].length), path), bad[i].status,
                    bad[i].words);
        end(&r);
    }
    refuses(outside("w.bin", NULL, NULL), TN_E_UNSUPPORTED, "read from memory");
    static const char *const files[] = { "w.bin", "sub/w.bin", "leads-out", "stays", "m.onnx" };
    for (size_t i = 0; i < TN_COUNT(files); i++) unlink(in_folder(files[i]));
    rmdir(in_folder("sub"));
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants),    cmocka_unit_test(sparse_types),     cmocka_unit_test(defaults),
        cmocka_unit_test(types),        cmocka_unit_test(any_order),        cmocka_unit_test(captured),
        cmocka_unit_test(functions),    cmocka_unit_test(nested_functions), cmocka_unit_test(growing_functions),
        cmocka_unit_test(wrong_graphs), cmocka_unit_test(claims),           cmocka_unit_test(not_onnx),
        cmocka_unit_test(external),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
