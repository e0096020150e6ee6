/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* options.h - a sub-command's options as a table: parsing, --help, and what to say about a mistake. */
#ifndef TN_CLI_OPTIONS_H
#define TN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    TN_OPT_FLAG,   /* bool: set to true */
    TN_OPT_STRING, /* const char *: belongs to argv */
    TN_OPT_INT,    /* int */
    TN_OPT_FLOAT,  /* float */
    TN_OPT_BYTES,  /* size_t: "800", "64K", "512M", "2G", in steps of 1024 */
    TN_OPT_LIST,   /* tn_option_list: may be given several times */
} tn_option_kind;

typedef struct {
    const char **v; /* tn_mem_free */
    size_t n;
} tn_option_list;

typedef struct {
    const char *name; /* "--threads" */
    tn_option_kind kind;
    void *to;          /* where the value goes; untouched when the option is not given */
    const char *value; /* how --help calls it: "N", "FILE"; NULL for a flag */
    const char *doc;   /* one line */
    double min, max;   /* numbers: allowed range when max > min */
} tn_option;

typedef struct {
    const char *name;     /* "ocr" */
    const char *args;     /* "IMAGE..." */
    const char *doc;      /* a sentence or two */
    const char *examples; /* lines, each beginning with two blanks */
    const tn_option *options;
    size_t n;
    int min_args, max_args; /* arguments that are not options; max_args < 0: any number */
} tn_command_usage;

/* Options every sub-command has: --threads N, --log-level LEVEL, --help. */
typedef struct {
    int threads; /* 0: the library's default */
} tn_common_options;

/* Where nodes run: rows of a table for those commands that run models. */
#define TN_DEVICE_OPTIONS(device, require)                                                                            \
    { "--device",                                                                                                     \
      TN_OPT_STRING,                                                                                                  \
      &(device),                                                                                                      \
      "NAME",                                                                                                         \
      "cpu, or a device that computes what it can: NAME or NAME:OPTIONS",                                             \
      0,                                                                                                              \
      0 },                                                                                                            \
    {                                                                                                                 \
        "--require-device", TN_OPT_FLAG, &(require), NULL, "what fails on the device fails; nothing falls back", 0, 0 \
    }

/** Parses argv[1..]; `--name value` and `--name=value`, "--" ends the options, arguments may stand anywhere.
 *  args     the arguments that are no options, moved to the front of argv[1..]; *n_args of them
 *  returns  -1 to go on, otherwise the exit code: 0 after --help, 2 after a mistake (which it has printed) */
int tn_options_parse(const tn_command_usage *u, tn_common_options *common, int argc, char **argv, char ***args,
                     int *n_args);

/** Prints "tenon NAME: sentence" for a mistake the command found itself, and how to get help. Returns 2. */
int tn_usage_error(const tn_command_usage *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Prints "tenon NAME: " and this thread's tn_error(). Returns 1. */
int tn_command_failed(const char *name);

/** Is this stream a terminal that takes colour (NO_COLOR unset)? */
bool tn_stream_is_terminal(int fd);

#endif
