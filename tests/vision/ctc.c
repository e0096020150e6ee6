/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Key files and greedy decoding. */
#include "vision/ctc.h"
#include "test.h"

static tn_keys keys_of(const char *s) {
    tn_keys k;
    check_ok(tn_keys_parse(s, strlen(s), &k));
    return k;
}

static void key_files(void **state) {
    static const char *const files[] = { "a\n中\nb\n", "a\n中\nb", "a\r\n中\r\nb\r\n" };
    for (size_t i = 0; i < TN_COUNT(files); i++) {
        tn_keys k = keys_of(files[i]);
        assert_int_equal(k.n, 4);
        assert_string_equal(k.key[0], "a");
        assert_string_equal(k.key[1], "中");
        assert_string_equal(k.key[2], "b");
        assert_string_equal(k.key[3], " ");
        tn_keys_free(&k);
    }
    tn_keys k = keys_of("a\n\n b\n"); /* an empty line is a class of its own; blanks inside a line stay */
    assert_int_equal(k.n, 4);
    assert_string_equal(k.key[1], "");
    assert_string_equal(k.key[2], " b");
    tn_keys_free(&k);
    check_fails(tn_keys_parse("", 0, &k), TN_E_FORMAT, "empty");
    check_fails(tn_keys_load("/nowhere", &k), TN_E_IO, "/nowhere");
}

static void decode(const tn_keys *k, const char *path, const char *want, float want_score) {
    float prob[32][4] = { 0 }, score;
    size_t steps = strlen(path);
    for (size_t t = 0; t < steps; t++) {
        for (int c = 0; c < 4; c++) prob[t][c] = 0.1f;
        prob[t][path[t] - '0'] = 0.5f + 0.01f * (float)t;
    }
    tn_text text = { 0 };
    check_ok(tn_ctc_decode(&prob[0][0], steps, 4, k, &text, &score));
    assert_string_equal(text.s ? text.s : "", want);
    check(score > want_score - 1e-5f && score < want_score + 1e-5f, "score %g, expected %g\n", score, want_score);
    tn_text_free(&text);
}

static void greedy(void **state) {
    tn_keys k = keys_of("x\n字\n"); /* 1 x, 2 字, 3 space */
    decode(&k, "0110220", "x字", (0.51f + 0.54f) / 2);
    decode(&k, "1111", "x", 0.5f);
    decode(&k, "1010", "xx", (0.5f + 0.52f) / 2);
    decode(&k, "131", "x x", (0.5f + 0.51f + 0.52f) / 3);
    decode(&k, "0000", "", 0);
    decode(&k, "", "", 0);
    tn_text text = { 0 };
    float score, p[5] = { 0 };
    check_fails(tn_ctc_decode(p, 1, 5, &k, &text, &score), TN_E_SHAPE, "5 classes");
    tn_keys_free(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(key_files), cmocka_unit_test(greedy) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
