/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program `tenon`: finds the sub-command and runs it. */
#include "base/status.h"
#include "base/text.h"
#include "cli/cli.h"
#include "vision/image.h"
#include <stdio.h>
#include <string.h>

static const tn_command commands[] = {
    { "run", "run a model once and say what came out", tn_cmd_run },
    { "inspect", "show what is inside a model", tn_cmd_inspect },
    { "compile", "write a model as it runs, to start at once", tn_cmd_compile },
    { "bench", "measure latency, throughput, load time and memory", tn_cmd_bench },
    { "ocr", "read text off pictures", tn_cmd_ocr },
    { "ops", "list the operators that models may use", tn_cmd_ops },
    { "test", "run ONNX backend test folders and compare their outputs", tn_cmd_test },
    { "vad", "find speech in recordings", tn_cmd_vad },
};

static void usage(FILE *f) {
    fprintf(f, "tenon %s - reads ONNX models and runs them\n\nusage: tenon COMMAND [OPTIONS]\n\ncommands:\n",
            tn_version());
    for (size_t i = 0; i < TN_COUNT(commands); i++) fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].doc);
    fprintf(f, "\n`tenon COMMAND --help` says more.\n");
}

int main(int argc, char **argv) {
    const char *names[TN_COUNT(commands)];
    if (argc < 2) {
        usage(stderr);
        return TN_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return TN_EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("tenon %s\n", tn_version());
        return TN_EXIT_OK;
    }
    tn_image_serve_operators();
    for (size_t i = 0; i < TN_COUNT(commands); i++) {
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
        names[i] = commands[i].name;
    }
    const char *near = tn_nearest(argv[1], names, TN_COUNT(commands));
    fprintf(stderr, "tenon: there is no command '%s'", argv[1]);
    if (near) fprintf(stderr, "; did you mean '%s'?", near);
    fprintf(stderr, "\n");
    return TN_EXIT_USAGE;
}
