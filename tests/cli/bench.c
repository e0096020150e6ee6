/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* bench.c - `tenon bench` with streams and with submitted runs: how many were measured, what is printed and written. */
#include "lib/affine.h"
#include "lib/program.h"
#include "test.h"
#include <unistd.h>

static char file[] = "/tmp/tenon-bench-XXXXXX", times[64];

static int make_model(void **state) {
    (void)state;
    int fd = mkstemp(file);
    if (fd < 0) return 1;
    close(fd);
    snprintf(times, sizeof times, "%s.json", file);
    tn_model *m = affine_model(8, 2);
    check_ok(tn_model_save(m, file));
    tn_model_close(&m);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(times);
    return unlink(file);
}

static const char *bench(const char *more, int code, const char *text) {
    char line[300];
    snprintf(line, sizeof line, "bench %s --dimension 3 --warmup 0 %s", file, more);
    return program_says(line, code, text);
}

static void counts(void **state) {
    (void)state;
    bench("--iterations 5 --concurrency 4", 0, "4 submitted runs");
    bench("--iterations 5 --concurrency 4", 0, "over 20 runs");
    bench("--iterations 5 --concurrency 1 --json", 0, "\"concurrency\": 1, \"runs\": 5,");
    bench("--iterations 5 --streams 2 --threads 1", 0, "2 streams");
    bench("--duration 0 --concurrency 3", 0, "over 30 runs"); /* at least ten each */
}

static void latencies(void **state) {
    (void)state;
    char line[200], text[4000] = "";
    snprintf(line, sizeof line, "--iterations 7 --concurrency 3 --export-times %s", times);
    bench(line, 0, "p99");
    FILE *f = fopen(times, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    int lists = -1, commas = 0;
    for (const char *p = text; *p; p++) lists += *p == '[', commas += *p == ',';
    assert_int_equal(lists, 3);
    assert_int_equal(commas, 1 + 2 + 3 * 6); /* between unit and streams, lists, numbers */
}

static void mistakes(void **state) {
    (void)state;
    bench("--streams 2 --concurrency 2", 1, "choose one");
    bench("--concurrency 0", 2, "--concurrency");
    bench("--concurrency 1025", 2, "--concurrency");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(counts), cmocka_unit_test(latencies),
                                        cmocka_unit_test(mistakes) };
    return cmocka_run_group_tests(tests, make_model, remove_files);
}
