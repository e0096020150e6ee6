/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_options.c - the words of a command line, a NUL behind each: every kind of option. Numbers lie in their ranges,
 * arguments are as many as allowed, and a mistake is said (on standard error, which goes nowhere here). */
#include "base/log.h"
#include "cli/options.h"
#include "fuzz.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST_WORDS = 64 };

/* Standard output goes nowhere while the options are read: it is the count of the cases that is wanted there. */
static void quiet(bool on) {
    static int nowhere = -1, out = -1;
    if (out < 0) out = dup(1), nowhere = open("/dev/null", O_WRONLY);
    fflush(stdout);
    if (out >= 0 && nowhere >= 0) dup2(on ? nowhere : out, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bool flag = false;
    const char *text = NULL;
    int whole = 5;
    float real = 0.5f;
    tn_option_list list = { 0 };
    const tn_option options[] = {
        { "--flag", TN_OPT_FLAG, &flag, NULL, "a flag", 0, 0 },
        { "--text", TN_OPT_STRING, &text, "FILE", "a text", 0, 0 },
        { "--whole", TN_OPT_INT, &whole, "N", "a whole number", -3, 1000 },
        { "--real", TN_OPT_FLOAT, &real, "X", "a number", 0, 1 },
        { "--list", TN_OPT_LIST, &list, "NAME=SHAPE", "a list", 0, 0 },
    };
    const tn_command_usage usage = { .name = "fuzz",
                                     .args = "FILE...",
                                     .doc = "Nothing.",
                                     .examples = "",
                                     .options = options,
                                     .n = TN_COUNT(options),
                                     .min_args = 1,
                                     .max_args = 3 };
    tn_common_options common = { 0 };
    char *words = malloc(size + 2), *argv[MOST_WORDS + 2], **args = NULL;
    int argc = 0, n = 0;
    if (!words) return 0;
    if (size) memcpy(words, data, size);
    words[size] = words[size + 1] = 0;
    argv[argc++] = (char[]){ "fuzz" };
    for (char *p = words; p < words + size && argc <= MOST_WORDS; p += strlen(p) + 1) argv[argc++] = p;
    argv[argc] = NULL;
    quiet(true);
    int code = tn_options_parse(&usage, &common, argc, argv, &args, &n);
    quiet(false);
    must(code == -1 || code == 0 || code == 2);
    if (code < 0) {
        must(n >= 1 && n <= 3 && args);
        must(whole >= -3 && whole <= 1000 && real >= 0 && real <= 1 && common.threads >= 0);
        for (int i = 0; i < n; i++) must(args[i] >= words && args[i] <= words + size);
        for (size_t i = 0; i < list.n; i++) must(list.v[i] != NULL);
    }
    tn_mem_free((void *)list.v);
    free(words);
    return 0;
}
