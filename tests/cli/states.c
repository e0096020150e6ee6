/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* states.c - what `tenon inspect` says of inputs and outputs that can be a state. */
#include "lib/program.h"
#include "lib/state_models.h"
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/tenon-states-XXXXXX";

static const char *inspect(const state_model *m, const char *more, const char *text) {
    char line[200];
    tn_text file = { 0 };
    tn_model *model = m->make(&file);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.s, 1, file.n, f), file.n);
    assert_int_equal(fclose(f), 0);
    tn_model_close(&model);
    tn_text_free(&file);
    snprintf(line, sizeof line, "inspect %s %s", path, more);
    return program_says(line, 0, text);
}

static void pairs_are_listed(void **state) {
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    const char *text = inspect(&state_models[0], "", "states      4 caches of 512 bytes a row and sentence, 0 updated");
    assert_non_null(strstr(text, "of one length in a run: node"));
    assert_non_null(strstr(text, "cache, 128 bytes a row"));
    text = inspect(&state_models[POSITIONED_MODELS], "", "states      4 caches");
    assert_null(strstr(text, "of one length"));
    text = inspect(&state_models[STATE_MODELS - 1], "", "states      0 caches, 0 updated in place, 2 swapped");
    assert_non_null(strstr(text, "swapped\n"));
    inspect(&state_models[STATE_MODELS - 2], "", "2 updated in place, 0 swapped");
    inspect(&state_models[0], "--json",
            "\"states\": {\"row_bytes\": 512, \"several_lengths\": false, \"pairs\": [{\"input\": \"past_");
    inspect(&state_models[POSITIONED_MODELS], "--json", "\"kind\": \"cache\", \"row_bytes\": 128}");
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(pairs_are_listed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
