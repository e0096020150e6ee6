/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cli.h - the program's sub-commands: one file each, one line in main.c's table. */
#ifndef TN_CLI_CLI_H
#define TN_CLI_CLI_H

#include <stdbool.h>

/* Exit codes. */
enum { TN_EXIT_OK = 0, TN_EXIT_FAILED = 1, TN_EXIT_USAGE = 2 };

/** argv[0] is the sub-command's name. Returns an exit code. */
typedef int (*tn_command_fn)(int argc, char **argv);

typedef struct {
    const char *name, *doc; /* one line */
    tn_command_fn run;
} tn_command;

int tn_cmd_bench(int argc, char **argv);
int tn_cmd_compile(int argc, char **argv);
int tn_cmd_inspect(int argc, char **argv);
int tn_cmd_ocr(int argc, char **argv);
int tn_cmd_ops(int argc, char **argv);
int tn_cmd_run(int argc, char **argv);
int tn_cmd_test(int argc, char **argv);
int tn_cmd_vad(int argc, char **argv);

#endif
