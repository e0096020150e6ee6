/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* `tenon ocr` and `tenon vad` from outside: help, mistakes in the options, files that cannot be read, exit codes. */
#include "lib/program.h"
#include "test.h"

static void help(void **state) {
    program_says("ocr --help", 0, "--annotate OUT.png");
    program_says("ocr --help", 0, "examples:");
    program_says("vad -h", 0, "--sample-rate HZ");
    program_says("--help", 0, "ocr");
    program_says("--help", 0, "vad");
}

static void mistakes(void **state) {
    program_says("ocr", 2, "it needs IMAGE...");
    program_says("ocr --jsn x.png", 2, "did you mean '--json'");
    program_says("ocr --json=yes x.png", 2, "takes no value");
    program_says("ocr x.png --det", 2, "--det needs a value");
    program_says("ocr --max-side 5 x.png", 2, "from 32 to 8192");
    program_says("ocr --max-side 96x x.png", 2, "not '96x'");
    program_says("ocr --min-score nan x.png", 2, "not 'nan'");
    program_says("ocr --log-level loud x.png", 2, "--log-level");
    program_says("vad --sample-rate 44100 a.wav", 2, "8000 or 16000");
    program_says("vad --threshold 2 a.wav", 2, "--threshold");
    program_says("vaad", 2, "did you mean 'vad'");
}

static void failures(void **state) {
    program_says("ocr x.png", 1, "ch_PP-OCRv4_det_infer.onnx is not in /nowhere");
    program_says("ocr --models /elsewhere x.png", 1, "is not in /elsewhere;");
    program_says("ocr --det /nowhere/d.onnx --rec r --cls c --dict k x.png", 1, "/nowhere/d.onnx");
    program_says("vad a.wav", 1, "silero_vad.onnx is not in");
    program_says("vad -- --json", 1, "silero_vad.onnx"); /* a file of that name */
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(help), cmocka_unit_test(mistakes),
                                        cmocka_unit_test(failures) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
