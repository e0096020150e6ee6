/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* write.c - models survive being written and read again; the bytes are the same every time. */
#include "base/file.h"
#include "format/format.h"
#include "lib/model_equal.h"
#include "lib/op_text.h"
#include "op/core/past.h"
#include "test.h"
#include <dirent.h>
#include <unistd.h>

static char folder[] = "/tmp/tenon-test-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[4][300];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

/* Reads without asking for operators or types: every model of the collection can be compared so. */
static tn_status read_only(const char *path, tn_file **file, tn_model **m) {
    tn_declared_list declared;
    check_ok(tn_file_map(path, file));
    check_ok(tn_model_new(m));
    (*m)->path = path;
    TN_TRY(tn_onnx_read(*m, (*file)->data, (*file)->size, &declared));
    TN_TRY(tn_onnx_upgrade(*m));
    return tn_graph_sort((*m)->graph);
}

static void compare_files(const char *a, const char *b) {
    tn_file *x, *y;
    check_ok(tn_file_map(a, &x));
    check_ok(tn_file_map(b, &y));
    check(x->size == y->size && !memcmp(x->data, y->data, x->size), "%s and %s differ\n", a, b);
    tn_file_close(&x);
    tn_file_close(&y);
}

static void round_trip(const char *path, uint64_t inline_max) {
    tn_file *files[2];
    tn_model *first, *second;
    char why[500];
    check_ok(read_only(path, &files[0], &first));
    const char *once = in_folder("a.onnx"), *twice = in_folder("b.onnx");
    tn_status st = tn_onnx_write(first, once, inline_max);
    check(st == TN_OK, "%s: %s\n", path, tn_error());
    st = read_only(once, &files[1], &second);
    check(st == TN_OK, "%s: %s\n", path, tn_error());
    check(models_equal(first, second, why, sizeof why), "%s: %s\n", path, why);
    check_ok(tn_onnx_write(first, twice, UINT64_MAX));
    if (inline_max == UINT64_MAX) compare_files(once, twice);
    tn_model_close(&first);
    tn_model_close(&second);
    for (int i = 0; i < 2; i++) tn_file_close(&files[i]);
    unlink(once);
    unlink(twice);
}

#define COLLECTION "/usr/share/libonnx-testdata/data"

static void collection(void **state) {
    (void)state;
    static const char *const parts[] = { "node", "pytorch-converted", "pytorch-operator", "simple", "real" };
    int n = 0;
    for (size_t i = 0; i < TN_COUNT(parts); i++) {
        char path[800];
        snprintf(path, sizeof path, "%s/%s", COLLECTION, parts[i]);
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s/%s/model.onnx", COLLECTION, parts[i], e->d_name);
            if (access(path, R_OK)) continue;
            round_trip(path, UINT64_MAX);
            n++;
        }
        if (d) closedir(d);
    }
    if (!n) skip(); /* libonnx-testdata is not installed */
    check(n > 1000, "only %d models\n", n);
}

static void save(ob *b, const char *path) {
    tn_text file = ob_finish(b);
    check_ok(tn_file_write(path, file.s, file.n));
    tn_text_free(&file);
}

static ob *branch(const char *op, const char *out) {
    ob *g = ob_graph();
    ob_floats_init(g, "inner", "2", (float[]){ 1, 2 }, 2);
    ob_node(g, op, "x inner", out);
    ob_output(g, out);
    return g;
}

static void everything(void **state) {
    (void)state;
    float weights[1000];
    for (int i = 0; i < 1000; i++) weights[i] = (float)i;
    ob *b = ob_new(8, 17);
    ob_meta(b, "author", "nobody");
    ob_input(b, "x", TN_F32, "n,2");
    ob_input(b, "c", TN_BOOL, "");
    ob_input(b, "d", TN_F32, "2");
    ob_floats_init(b, "d", "2", (float[]){ 7, 8 }, 2); /* an input with a default */
    ob_floats_init(b, "big", "500,2", weights, 1000);
    ob_node(b, "If", "c", "q");
    ob_subgraph(b, "then_branch", branch("Add", "r"));
    ob_subgraph(b, "else_branch", branch("Mul", "r"));
    ob_node(b, "Constant", "", "k"); /* a constant output */
    ob_floats(b, "value_floats", (float[]){ 3, 4 }, 2);
    ob_node(b, "Clip", "q _ d", "y");
    ob_node(b, "Gemm", "x big", "z");
    ob_int(b, "transB", 1);
    ob_float(b, "alpha", 0.25f);
    ob_output(b, "y");
    ob_output(b, "k");
    ob_output(b, "z");
    const char *path = in_folder("in.onnx");
    save(b, path);
    round_trip(path, UINT64_MAX);
    round_trip(path, 2000); /* weights in a file of their own */
    check(access(in_folder("a.onnx.data"), R_OK) == 0, "no external data was written\n");
    unlink(in_folder("a.onnx.data"));
    unlink(path);
}

static int64_t opset_of(ob *b) {
    const char *in = in_folder("in.onnx"), *out = in_folder("a.onnx");
    tn_model *m;
    save(b, in);
    check_ok(tn_model_open(in, &m));
    check_ok(tn_model_save(m, out));
    tn_model_close(&m);
    check_ok(tn_model_open(out, &m));
    int64_t version = m->opsets[0].version;
    tn_model_close(&m);
    unlink(in);
    unlink(out);
    return version;
}

static ob *unary(const char *op, int opset) {
    ob *b = ob_new(8, opset);
    ob_input(b, "x", TN_F32, "2,3");
    ob_output(b, "y");
    ob_node(b, op, "x", "y");
    return b;
}

static void lowest_opset(void **state) {
    (void)state;
    assert_int_equal(opset_of(unary("Relu", 6)), 13);
    assert_int_equal(opset_of(unary("ReduceMean", 8)), 13);
    ob *b = unary("ReduceMean", 11);
    ob_ints(b, "axes", (int64_t[]){ 1 }, 1);
    assert_int_equal(opset_of(b), 18); /* axes are an input since then */
    b = unary("Shape", 15);
    ob_int(b, "start", 1);
    assert_int_equal(opset_of(b), 15);
    b = ob_new(8, 15); /* statistics without training_mode, which meant training once */
    ob_input(b, "x", TN_F32, "2,3");
    for (const char *c = "s\0b\0m\0v\0"; *c; c += 2) ob_input(b, c, TN_F32, "3");
    ob_output(b, "y");
    ob_output(b, "mean");
    ob_node(b, "BatchNormalization", "x s b m v", "y mean");
    assert_int_equal(opset_of(b), 14);
}

/* The lowest opset of a node of the newest form; inputs are tensors, as "f32:2,3=0". */
static int64_t opset_of_node(const char *op, const char *attrs, const char *in) {
    ob *b = ob_new(13, 28);
    char names[100] = "", word[100];
    int used, k = 0;
    for (const char *p = in; sscanf(p, "%99s%n", word, &used) == 1; p += used, k++) {
        char name[] = { ' ', (char)(*word == '_' ? '_' : 'a' + k), 0 };
        strcat(names, name + (k == 0));
        if (*word == '_') continue;
        tn_tensor *t = tensor_of_text(word + (*word == '!'));
        char dims[100] = "";
        for (int i = 0; i < t->rank; i++)
            snprintf(dims + strlen(dims), sizeof dims - strlen(dims), i ? ",%d" : "%d", (int)t->dims[i]);
        if (*word == '!')
            ob_init(b, name + 1, t);
        else
            ob_input(b, name + 1, t->dtype, dims);
        tn_tensor_free(&t);
    }
    ob_node(b, op, names, "y");
    ob_attrs(b, attrs);
    ob_output(b, "y");
    return opset_of(b);
}

/* No version before these says the same, though its attributes, inputs and types are these. */
static void changed_meanings(void **state) {
    (void)state;
    static const struct {
        const char *op, *attrs, *in;
        int opset;
    } rows[] = {
        { "DFT", NULL, "f32:1,2,3,1=0", 20 }, /* its default axis is the last but one since then */
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,3,1=0 f32:1,1,3,1=0", 23 },
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,3,1=0 f32:1,1,3,1=0 f32:2,3=0", 23 },
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,3,1=0 f32:1,1,3,1=0 f32:2,1=0", 24 },
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,3,1=0 f32:1,1,3,1=0 !f32:2,2=0", 24 },
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,1,1=0 f32:1,1,1,1=0 f32:2,1=0", 23 },
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,1,1=0 f32:1,1,1,1=0 f32:2,1=0 f32:1,1,2,1=0 f32:1,1,2,1=0", 24 },
        { "Attention", NULL, "f32:1,1,2,1=0 f32:1,1,1,1=0 f32:1,1,1,1=0 f32:2,3=0 f32:1,1,2,1=0 f32:1,1,2,1=0", 23 },
        { "MaxPool", "kernel_shape=[2] strides=[2] ceil_mode=1", "f32:1,1,5=0", 13 },
        { "MaxPool", "kernel_shape=[3] strides=[2] ceil_mode=1 pads=[1,1]", "f32:1,1,6=0", 13 },
        { "MaxPool", "kernel_shape=[1] strides=[3]", "f32:1,1,5=0", 13 },
        { "MaxPool", "kernel_shape=[1] strides=[3] ceil_mode=1", "f32:1,1,5=0", 22 }, /* at 0, 3, and 6? */
        { "MaxPool", "kernel_shape=[1] strides=[3] ceil_mode=1", "f32:1,1,4=0", 13 },
        { "AveragePool", "kernel_shape=[2] strides=[2] ceil_mode=1 pads=[1,1]", "f32:1,1,4=0", 13 },
        { "AveragePool", "kernel_shape=[2] strides=[2] ceil_mode=1 pads=[1,1]", "f32:1,1,5=0", 22 },
        { "Pad", NULL, "f32:2=0 !i64:2=1", 13 },
        { "Pad", "mode=wrap", "f32:2=0 !i64:2=1", 19 },
        { "ScatterElements", "reduction=add", "f32:2=0 i64:1=0 f32:1=0", 16 },
        { "ScatterElements", "reduction=max", "f32:2=0 i64:1=0 f32:1=0", 18 },
        { "ScatterND", "reduction=min", "f32:2=0 i64:1,1=0 f32:1=0", 18 },
        { "Resize", NULL, "f32:2=0 _ !f32:1=2", 13 },
        { "Resize", "coordinate_transformation_mode=half_pixel_symmetric", "f32:2=0 _ !f32:1=2", 19 },
        { "OptionalHasElement", NULL, "", 18 },
        { "Pow", NULL, "f32:2=0 f64:2=0", 13 },
        { "Pow", NULL, "f32:2=0 bf16:2=0", 15 },
        { "BatchNormalization", NULL, "f32:1,2=0 f32:2=0 f32:2=0 f64:2=0 f64:2=0", 14 },
        { "BatchNormalization", NULL, "f16:1,2=0 f32:2=0 f32:2=0 f32:2=0 f32:2=0", 15 },
        { "QuantizeLinear", NULL, "i32:2=0 f32:=1", 13 },
        { "QuantizeLinear", NULL, "f16:2=0 f16:=1", 19 },
        { "QuantizeLinear", NULL, "f32:2=0 f16:=1", 23 },
        { "QLinearMatMul", NULL, "u8:1,1=0 f32:=1 u8:=0 u8:1,1=0 f32:=1 u8:=0 f32:=1 u8:=0", 13 },
        { "QLinearMatMul", NULL, "u8:1,1=0 f16:=1 u8:=0 u8:1,1=0 f16:=1 u8:=0 f16:=1 u8:=0", 21 },
    };
    for (size_t i = 0; i < TN_COUNT(rows); i++) {
        int64_t opset = opset_of_node(rows[i].op, rows[i].attrs, rows[i].in);
        check(opset == rows[i].opset, "row %d (%s): opset %d, expected %d\n", (int)i, rows[i].op, (int)opset,
              rows[i].opset);
    }
}

static void refused(void **state) {
    (void)state;
    tn_model *m;
    const char *path = in_folder("in.onnx");
    save(unary("Relu", 13), path);
    check_ok(tn_model_open(path, &m));
    check_fails(tn_model_save(m, "/nowhere/at/all.onnx"), TN_E_IO, "/nowhere/at/all.onnx");
    tn_model_close(&m);
    ob *b = ob_new(6, 11); /* what no operator set since 13 has a name for */
    ob_input(b, "x", TN_F32, "4");
    ob_floats_init(b, "r", "0", NULL, 0);
    ob_floats_init(b, "s", "1", (float[]){ 2 }, 1);
    ob_node(b, "Resize", "x r s", "y");
    ob_string(b, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
    ob_string(b, "nearest_mode", "ceil");
    ob_output(b, "y");
    save(b, path);
    check_ok(tn_model_open(path, &m));
    check_fails(tn_model_save(m, in_folder("out.onnx")), TN_E_UNSUPPORTED, "tf_half_pixel_for_nn");
    tn_model_close(&m);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(collection), cmocka_unit_test(everything),
                                        cmocka_unit_test(lowest_opset), cmocka_unit_test(changed_meanings),
                                        cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
