/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* random.c - `tenon test` on models that draw numbers: possible samples pass, impossible ones do not. */
#include "base/random.h"
#include "base/file.h"
#include "lib/onnx_build.h"
#include "tensor/proto.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

static char root[64] = "/tmp/tenon-random-XXXXXX";

static void put(const char *name, const void *data, size_t n) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    check_ok(tn_file_write(path, data, n));
}

static void put_tensor(const char *name, tn_dtype t, int n, double (*value)(int i)) {
    tn_tensor *x;
    tn_text o = { 0 };
    check_ok(tn_tensor_new(t, 1, (int64_t[]){ n }, &x));
    for (int i = 0; i < n; i++) tn_set_f64(t, tn_tensor_data(x), i, value(i));
    tn_tensor_to_proto(&o, x, "t");
    put(name, o.s, o.n);
    tn_text_free(&o);
    tn_tensor_free(&x);
}

/* The model of one node with attributes already given; runs the case and says whether it passed. */
static bool passes(ob *b, double (*input)(int i), tn_dtype t, double (*output)(int i)) {
    const char *build = getenv("TN_BUILD");
    char command[512];
    tn_text file = ob_finish(b);
    put("model.onnx", file.s, file.n);
    tn_text_free(&file);
    if (input) put_tensor("test_data_set_0/input_0.pb", TN_F32, 2000, input);
    put_tensor("test_data_set_0/output_0.pb", t, 2000, output);
    snprintf(command, sizeof command, "'%s/src/tenon' test --quiet %s >/dev/null", build ? build : ".", root);
    return system(command) == 0;
}

static ob *drawing(const char *op, const char *inputs) {
    ob *b = ob_new(10, 22);
    if (*inputs) ob_input(b, "x", TN_F32, "2000");
    ob_output(b, "y");
    ob_node(b, op, inputs, "y");
    if (!*inputs) ob_ints(b, "shape", (int64_t[]){ 2000 }, 1);
    return b;
}

static double half(int i) { return 0.5; }
static double one(int i) { return 1; }
static double coin(int i) { return (double)(tn_random_at(1, (uint64_t)i) >> 63); }
static double thirds(int i) { return i % 3 == 0; }
static double flat(int i) { return tn_random_uniform(1, (uint64_t)i, 53); }
static double bell(int i) { return tn_random_normal(1, (uint64_t)i); }
static double wide_bell(int i) { return 1.2 * bell(i); }
static double dropped(int i) { return 2 * coin(i); }
static double badly_dropped(int i) { return 1.5 * coin(i); }

static void samples(void **state) {
    assert_true(passes(drawing("Bernoulli", "x"), half, TN_F32, coin));
    assert_false(passes(drawing("Bernoulli", "x"), half, TN_F32, one));
    assert_false(passes(drawing("Bernoulli", "x"), half, TN_F32, thirds));
    assert_false(passes(drawing("Bernoulli", "x"), half, TN_F64, coin));
    assert_true(passes(drawing("RandomNormal", ""), NULL, TN_F32, bell));
    assert_false(passes(drawing("RandomNormal", ""), NULL, TN_F32, wide_bell));
    assert_true(passes(drawing("RandomUniform", ""), NULL, TN_F32, flat));
    assert_false(passes(drawing("RandomUniform", ""), NULL, TN_F32, bell));
    for (int right = 0; right < 2; right++) { /* behind another operator: two samples of one distribution */
        ob *b = ob_new(10, 22);
        ob_output(b, "y");
        ob_node(b, "RandomUniform", "", "u");
        ob_ints(b, "shape", (int64_t[]){ 2000 }, 1);
        ob_node(b, "Identity", "u", "y");
        assert_int_equal(passes(b, NULL, TN_F32, right ? flat : half), right);
    }
    for (int on = 0; on < 3; on++) {
        ob *b = ob_new(10, 22);
        ob_input(b, "x", TN_F32, "2000");
        ob_output(b, "y");
        ob_node(b, "Constant", "", "on");
        ob_tensor(b, "value", on != 0);
        ob_node(b, "Cast", "on", "t");
        ob_int(b, "to", 9);
        ob_node(b, "Dropout", "x _ t", "y");
        assert_int_equal(passes(b, one, TN_F32, on == 2 ? badly_dropped : dropped), on == 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(samples) };
    char path[128];
    if (!mkdtemp(root)) return 1;
    snprintf(path, sizeof path, "%s/test_data_set_0", root);
    mkdir(path, 0777);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const left[] = { "model.onnx", "test_data_set_0/input_0.pb", "test_data_set_0/output_0.pb" };
    for (size_t i = 0; i < TN_COUNT(left); i++) {
        snprintf(path, sizeof path, "%s/%s", root, left[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/test_data_set_0", root);
    rmdir(path);
    rmdir(root);
    return failed;
}
