/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* precision.c - --precision as a user gives it: what bench says of the loss, inspect of nodes and memory. */
#include "lib/program.h"
#include "op/core/op.h"
#include "test.h"
#include <unistd.h>

static char file[] = "/tmp/tenon-precision-XXXXXX";

/* x [1,48] times two matrices of 48 x 48. */
static int make_model(void **state) {
    (void)state;
    tn_model *m;
    tn_type type = tn_type_tensor(TN_F32);
    type.rank = 2, type.dims[0] = 1, type.dims[1] = 48;
    int fd = mkstemp(file);
    if (fd < 0) return 1;
    close(fd);
    check_ok(tn_model_new(&m));
    tn_value *v = tn_value_input(m->graph, "x", &type);
    for (int i = 0; i < 2; i++) {
        tn_tensor w;
        check_ok(tn_tensor_init(&w, TN_F32, 2, (int64_t[]){ 48, 48 }, TN_MEM_WEIGHTS));
        for (int k = 0; k < 48 * 48; k++) ((float *)w.data)[k] = 0.01f * (float)(k % 31) - 0.137f;
        tn_node *n =
            tn_node_new(m->graph, NULL, "", "MatMul", (tn_value *[]){ v, tn_value_constant(m->graph, "w", &w) }, 2, 1);
        n->name = i ? "second" : "first";
        v = n->outputs[0];
    }
    check_ok(tn_graph_add_output(m->graph, v));
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_model_save(m, file));
    tn_model_close(&m);
    return 0;
}

static int remove_model(void **state) {
    (void)state;
    return unlink(file);
}

static const char *says(const char *command, const char *more, int code, const char *text) {
    char line[300];
    snprintf(line, sizeof line, "%s %s %s", command, file, more);
    return program_says(line, code, text);
}

static void words(void **state) {
    (void)state;
    says("run", "--precision half", 1, "'half' is no precision; there are f32, bf16, f16, mixed");
    says("inspect", "--precision half", 1, "no precision");
    says("run", "--precision mixed,f32:sec*", 0, "float32[1x48]");
}

static void loss(void **state) {
    (void)state;
    says("bench", "--iterations 2 --precision bf16", 0, "loss        ");
    says("bench", "--iterations 2 --precision f32", 0, "from float32 0 of the largest magnitude, RMS 0");
    says("bench", "--iterations 2 --precision f16 --json", 0, "\"loss\": [{\"output\": ");
    const char *text = says("bench", "--iterations 2", 0, "latency");
    assert_null(strstr(text, "loss"));
}

static void plans(void **state) {
    (void)state;
    says("inspect", "--precision bf16", 0, "2 may keep weights in 16 bits (9.0 KiB)");
    says("inspect", "--precision bf16", 0, "packed weights 9.0 KiB");
    says("inspect", "--precision mixed --json", 0, "\"narrow_weights\": 1, \"narrow_weight_bytes\": 4608");
    const char *text = says("inspect", "--precision f16:sec* --nodes", 0, "weights float16");
    check(strstr(text, "weights float32") < strstr(text, "weights float16"), "the second alone:\n%s\n", text);
    text = says("inspect", "", 0, "work");
    assert_null(strstr(text, "\nprecision"));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(words), cmocka_unit_test(loss), cmocka_unit_test(plans) };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
