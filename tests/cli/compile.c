/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* compile.c - `tenon compile`: what it writes goes in the place of the model, with the same results; what does not fit
 * is refused with a sentence. */
#include "base/cpu.h"
#include "base/file.h"
#include "lib/plan_models.h"
#include "lib/program.h"
#include "test.h"
#include <unistd.h>

static char folder[] = "/tmp/tenon-compile-XXXXXX";

static int make_folder(void **state) { return mkdtemp(folder) ? 0 : 1; }

static int remove_folder(void **state) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name) {
    static char path[4][200];
    static int turn;
    char *p = path[turn = (turn + 1) % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static const char *says(int code, const char *text, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static const char *says(int code, const char *text, const char *fmt, ...) {
    char words[1200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    return program_says(words, code, text);
}

static void save_model(size_t i) {
    tn_text file = pm_model(i);
    check_ok(tn_file_write(in_folder("m.onnx"), file.s, file.n));
    tn_text_free(&file);
}

/* The same shapes as were compiled, and others. */
static void in_its_place(void **state) {
    static const char *const sizes[] = { "n=2", "n=5", "n=1" };
    save_model(0);
    says(0, "m.tnplan", "compile %s -o %s --opt-shape n=2", in_folder("m.onnx"), in_folder("m.tnplan"));
    for (size_t i = 0; i < TN_COUNT(sizes); i++) {
        says(0, "y", "run %s --shape %s --output-dir %s", in_folder("m.onnx"), sizes[i], in_folder("out"));
        says(0, "equals", "run %s --shape %s --rtol 0 --atol 0 --expect %s", in_folder("m.tnplan"), sizes[i],
             in_folder("out"));
    }
    says(0, "all checksums are right", "inspect %s", in_folder("m.tnplan"));
    says(0, "\"format\": \"tnplan\"", "inspect %s --json", in_folder("m.tnplan"));
    says(0, "latency", "bench %s --dimension 1 --iterations 3 --warmup 0", in_folder("m.tnplan"));
}

static void refused(void **state) {
    save_model(0);
    says(2, "-o FILE.tnplan", "compile %s", in_folder("m.onnx"));
    says(1, "no/such/folder", "compile %s -o %s", in_folder("m.onnx"), in_folder("no/such/folder/m"));
    says(0, "m.tnplan", "compile %s --output=%s --precision bf16", in_folder("m.onnx"), in_folder("m.tnplan"));
    says(0, "y", "run %s --dimension 1 --precision bf16", in_folder("m.tnplan"));
    says(1, "compiled for precision 'bf16', not 'f32'", "run %s --dimension 1 --precision f32", in_folder("m.tnplan"));
}

static void other_instructions(void **state) {
    const char *was = getenv("TN_CPU"), *other = was && !strcmp(was, "ref") ? "avx2" : "ref";
    char keep[64] = "";
    if (!(tn_cpu_detected() & TN_CPU_AVX2)) skip();
    if (was) snprintf(keep, sizeof keep, "%s", was);
    save_model(1);
    says(0, "m.tnplan", "compile %s -o %s", in_folder("m.onnx"), in_folder("m.tnplan"));
    setenv("TN_CPU", other, 1);
    says(1, "the file was compiled for", "run %s --dimension 1", in_folder("m.tnplan"));
    if (*keep)
        setenv("TN_CPU", keep, 1);
    else
        unsetenv("TN_CPU");
    says(0, "y", "run %s --dimension 1", in_folder("m.tnplan"));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(in_its_place), cmocka_unit_test(refused),
                                        cmocka_unit_test(other_instructions) };
    return cmocka_run_group_tests_name("cli/compile", tests, make_folder, remove_folder);
}
