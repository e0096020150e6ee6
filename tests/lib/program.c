/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* program.c - runs the built program and reads what it prints. */
#include "lib/program.h"
#include "test.h"
#include <sys/wait.h>

static char output[1 << 20];

/* Both streams land in `output`. Returns the exit code. */
static int tenon(const char *words) {
    const char *build = getenv("TN_BUILD");
    char command[2048];
    /* in a folder without models of its own, which a build has once it was benchmarked */
    snprintf(command, sizeof command, "cd / && TENON_MODELS=/nowhere XDG_DATA_HOME=/nowhere '%s/src/tenon' %s 2>&1",
             build ? build : ".", words);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    output[fread(output, 1, sizeof output - 1, f)] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *program_says(const char *words, int code, const char *says) {
    int got = tenon(words);
    check(got == code, "tenon %s: exit code %d, expected %d; it said:\n%s\n", words, got, code, output);
    check(strstr(output, says) != NULL, "tenon %s did not say '%s' but:\n%s\n", words, says, output);
    return output;
}
