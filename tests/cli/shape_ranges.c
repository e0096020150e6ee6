/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shape_ranges.c - --min-shape, --opt-shape and --max-shape as a user gives them. */
#include "lib/program.h"
#include "op/core/op.h"
#include "test.h"
#include <unistd.h>

static char file[] = "/tmp/tenon-ranges-XXXXXX";

/* x [batch, steps, 4] and z [batch, steps + 1, 4], one behind the other. */
static int make_model(void **state) {
    (void)state;
    tn_model *m;
    tn_type type = tn_type_tensor(TN_F32);
    int fd = mkstemp(file);
    if (fd < 0) return 1;
    close(fd);
    check_ok(tn_model_new(&m));
    type.rank = 3, type.dims[0] = tn_sym(m->syms, "batch"), type.dims[1] = tn_sym(m->syms, "steps"), type.dims[2] = 4;
    tn_value *x = tn_value_input(m->graph, "x", &type);
    type.dims[1] = tn_dim_add(m->syms, type.dims[1], 1);
    tn_value *z = tn_value_input(m->graph, "z", &type);
    tn_node *n = tn_node_new(m->graph, NULL, "", "Concat", (tn_value *[]){ x, z }, 2, 1);
    tn_attr_set_int(n, "axis", 1);
    check_ok(tn_graph_add_output(m->graph, n->outputs[0]));
    check_ok(tn_graph_infer(m->graph));
    check_ok(tn_model_save(m, file));
    tn_model_close(&m);
    return 0;
}

static int remove_model(void **state) {
    (void)state;
    return unlink(file);
}

static void says(const char *command, const char *options, int code, const char *what) {
    char line[400];
    snprintf(line, sizeof line, "%s %s %s", command, file, options);
    program_says(line, code, what);
}

static void serve(void **state) {
    says("run", "--max-shape batch=3 --max-shape steps=8", 0, "3x17x4"); /* the largest is run */
    says("run", "--max-shape batch=3 --max-shape steps=8 --opt-shape steps=2", 0, "3x5x4");
    says("run", "--max-shape batch=3 --max-shape steps=8 --shape batch=1 --shape steps=4", 0, "1x9x4");
    says("run", "--shape batch=2 --max-shapes steps=8", 0, "2x17x4"); /* batch does not vary */
    says("run", "--max-shape x=3x8x4 --max-shape z=3x9x4 --min-shape x=2x8x4 --min-shape z=2x9x4", 0, "3x17x4");
    says("run", "--max-shape batch=3 --max-shape steps=8 --shape batch=5 --shape steps=20", 0, "5x41x4"); /* beyond */
    says("bench", "--max-shape batch=3 --max-shape steps=8 --iterations 1 --duration 0 --warmup 0", 0, "other sizes");
    says("bench", "--max-shape batch=3 --max-shape steps=8 --iterations 1 --duration 0 --json", 0, "\"refit_us\": ");
}

static void refuse(void **state) {
    says("run", "--max-shape steps=8", 1, "'x' is float32[batch,8,4]");
    says("run", "--dimension 2 --max-shape stps=8", 1, "--max-shape stps=8: the model has no such input; it has x, z");
    says("run", "--max-shape batch=3 --max-shape steps=8 --min-shape steps=9", 1, "do not ascend");
    says("run", "--max-shape batch=3 --max-shape steps=8 --opt-shape steps=9", 1, "do not ascend");
    says("run", "--shape x=1x2x4 --shape z=1x3x4 --max-shape x=2x2", 1, "has 3 dimensions, the shape 2x2 has 2");
    says("run", "--max-shape batch=3 --max-shape steps=many", 1, "--max-shape steps=many: a size is wanted");
    says("run", "--max-shape batch=3 --max-shape steps=9999999999999999", 1, "a size is wanted");
    says("run", "--max-shape x=3x8x5 --shape steps=1 --shape batch=1", 1, "dimension 2 of input 'x' is 4, not 5");
    says("run", "--max-shape x=3x8x4 --max-shape z=3x8x4 --shape batch=1 --shape steps=2", 1, "is not what that gives");
    says("run", "--min-shape batch=1 --shape x=1x2x4 --shape z=1x3x4 --max-shape", 2, "--max-shape needs a value");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(serve), cmocka_unit_test(refuse) };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
