/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device.c - --device and --require-device as a user gives them: what runs where, what is said of faults. */
#include "lib/onnx_build.h"
#include "lib/program.h"
#include "test.h"
#include <unistd.h>

static char file[] = "/tmp/tenon-device-XXXXXX";

/* x [4,8] -> MatMul -> Sin -> MatMul -> y */
static int make_model(void **state) {
    (void)state;
    float w[64];
    ob *b = ob_new(8, 17);
    for (int i = 0; i < 64; i++) w[i] = (float)(i % 5) / 8;
    ob_input(b, "x", TN_F32, "4,8");
    ob_floats_init(b, "w", "8,8", w, 64);
    ob_node(b, "MatMul", "x w", "a"), ob_name(b, "first");
    ob_node(b, "Sin", "a", "b"), ob_name(b, "between");
    ob_node(b, "MatMul", "b w", "y"), ob_name(b, "last");
    ob_output(b, "y");
    tn_text t = ob_finish(b);
    int fd = mkstemp(file);
    bool good = fd >= 0 && write(fd, t.s, t.n) == (ssize_t)t.n;
    close(fd);
    tn_text_free(&t);
    return good ? 0 : 1;
}

static int remove_model(void **state) {
    (void)state;
    return unlink(file);
}

static const char *says(const char *command, const char *more, int code, const char *text) {
    char line[400];
    snprintf(line, sizeof line, "%s %s %s", command, file, more);
    return program_says(line, code, text);
}

static void lacks(const char *text, const char *words) {
    check(!strstr(text, words), "'%s' holds '%s'\n", text, words);
}

static void inspecting(void **state) {
    (void)state;
    says("inspect", "--device sim:cheap,ops=MatMul --nodes", 0,
         "device      sim: 2 of 3 nodes in 2 segments; copied in a run: 2 up (256 B), 2 down (256 B)");
    const char *text =
        says("inspect", "--device sim:cheap,ops=MatMul --nodes", 0, "where the optimised model's nodes run");
    assert_non_null(strstr(text, "sim, segment 1"));
    assert_non_null(strstr(text, "cpu\n"));
    says("inspect", "--device sim:cheap,ops=MatMul --json", 0,
         "{\"name\": \"last\", \"type\": \"MatMul\", \"segment\": 1}");
    says("inspect", "--device sim", 0, "sim: 0 of 3 nodes in 0 segments"); /* so small that no copy pays */
    says("inspect", "--device sim --require-device", 0, "sim: 3 of 3 nodes in 1 segment;");
    lacks(says("inspect", "--nodes", 0, "work "), "device   ");
    lacks(says("inspect", "--device cpu --json", 0, "flops"), "\"device\"");
}

static void profiles(void **state) {
    (void)state;
    const char *text = says("run", "--device sim:cheap,ops=MatMul --profile", 0, "[sim] first: 4x8 -> 4x8");
    assert_non_null(
        strstr(text, "device sim: 2 runs of segments, 2 values uploaded (256 B), 2 downloaded (256 B), 0 faults"));
    lacks(says("run", "--profile", 0, "MatMul"), "sim");
    text = says("bench", "--iterations 2 --device sim:cheap --profile", 0, "[sim] first .. last (3 nodes)");
    assert_non_null(strstr(text, "segment "));
    text = says("bench", "--iterations 2 --device sim:cheap --profile --json", 0,
                "\"device\":\"sim\",\"nodes\":[\"first\",\"between\",\"last\"]");
    assert_non_null(strstr(text, "{\"device\":\"sim\",\"runs\":2,\"uploads\":2,"));
    says("bench", "--iterations 2 --device sim:cheap --trace /dev/null", 0, "latency");
}

static void faults(void **state) {
    (void)state;
    says("run", "--device abacus", 1, "there is no device 'abacus'; there are: cpu, sim");
    says(
        "run", "--device sim:cheap,fail=run:1", 0,
        "warning: nodes 'first' to 'last': device 'sim': run number 1 fails, as asked for; the run is done on the CPU");
    says("run", "--device sim:cheap,fail=run:1 --require-device", 1,
         "nodes 'first' to 'last': device 'sim': run number 1 fails");
    says("run", "--device sim:cheap,fail=compile:1", 0, "compile number 1 fails, as asked for; they run on the CPU");
    says("run", "--device sim:fail=open:1", 0, "open number 1 fails, as asked for; the model runs on the CPU");
    says("run", "--device sim:fail=open:1 --require-device", 1, "device 'sim': open number 1 fails");
    says("bench", "--iterations 9 --device sim:cheap,fail=run:1+", 0, "device 'sim' is not used any more");
    says("run", "--device sim:ops=Conv --require-device", 1, "kernel for none of the 3 nodes");
    program_says("test --device abacus /usr/share/libonnx-testdata/data/node/test_relu", 1, "no device 'abacus'");
    program_says("test --device sim --require-device /usr/share/libonnx-testdata/data/node/test_relu", 0, "1 passed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspecting),
        cmocka_unit_test(profiles),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
